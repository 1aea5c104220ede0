"""The verdict on a planned scenario: one of eleven words, and why."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from behave.model import Scenario
from behave.model_type import Status
from behave.runner import the_step_registry

from harness.runner import undefined
from harness.runner.plan import Rowless, containers

PASSED = "passed"
FAILED = "failed"
ERROR = "error"
UNDEFINED = "undefined"
TIMEOUT = "timeout"
CRASHED = "crashed"
LEAKED = "leaked"
UNPROVEN = "unproven"
EMPTY = "empty"
SKIPPED = "skipped"
NOT_RUN = "not run"
WORDS = (PASSED, FAILED, SKIPPED, ERROR, UNDEFINED, TIMEOUT, CRASHED, LEAKED, UNPROVEN, EMPTY, NOT_RUN)


@dataclass(frozen=True)
class Verdict:
    """What is said about one planned scenario: a word of WORDS, and the reason in a text for people; of a red one also
    a story (harness/runner/story.py), where somebody tells one."""

    word: str
    reason: str = ""
    story: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def message(self) -> str:
        """As behave's reports show it."""
        return f"{self.word.upper()}: {self.reason}"

    @property
    def red(self) -> bool:
        """Whether the run is red because of it. A skip is not a pass."""
        return self.word != PASSED


class Unproven(Exception):
    """To be raised where a Then step turns out to be one that cannot fail: the verdict is `unproven`."""


class Leaked(Exception):
    """To be raised by a hook or cleanup that finds a process alive which should be gone: the verdict is `leaked`."""


WORD_OF_EXCEPTION = {Unproven.__name__: UNPROVEN, Leaked.__name__: LEAKED}


def of_scenario(scenario: Scenario, *, broke: BaseException | None = None) -> Verdict:
    """The verdict that behave's own model holds after `scenario` was run.

    broke: what came out of behave itself, such as the SystemExit of a step that calls sys.exit()."""
    if broke is not None:
        return Verdict(ERROR, in_words(broke))
    status = scenario.status
    if status.has_failed():
        return _of_red_scenario(scenario)
    outer = _outer_problem(scenario)
    if outer is not None:
        return outer
    if status == Status.skipped:
        return Verdict(SKIPPED, scenario.skip_reason or "no reason given")
    if status == Status.passed:
        return _of_green_scenario(scenario)
    return Verdict(ERROR, f"behave left the scenario {status.name}")


def _of_green_scenario(scenario: Scenario) -> Verdict:
    """behave finds nothing wrong with it. But what shows nothing is not green."""
    steps = list(scenario.all_steps)
    pending = next((step for step in steps if step.status != Status.passed), None)
    if pending is not None:
        return Verdict(UNDEFINED, f"the step is {pending.status.normalized_name}: {pending.keyword} {pending.name}")
    return (
        Verdict(PASSED)
        if steps
        else Verdict(EMPTY, "it has no rows" if isinstance(scenario, Rowless) else "it has no steps")
    )


def _of_red_scenario(scenario: Scenario) -> Verdict:
    for step in scenario.all_steps:
        if step.status == Status.undefined:
            return Verdict(UNDEFINED, undefined.reason(step, the_step_registry))
        if step.status.has_failed():
            word = FAILED if scenario.status == Status.failed else ERROR
            return _of_problem(step, word, step.error_message or "the step is not implemented")
    return _of_problem(scenario, ERROR, scenario.error_message or "a hook or cleanup failed")


def _outer_problem(scenario: Scenario) -> Verdict | None:
    """What went wrong in the hooks and cleanups of the rule or feature around the scenario."""
    for outer in containers(scenario):
        if outer.hook_failed or outer.status.is_hook_error():
            return _of_problem(outer, ERROR, outer.error_message or f"a hook or cleanup of the {outer.type} failed")
    return None


def _of_problem(statement: Any, word: str, text: str) -> Verdict:
    """Where the exception names its verdict, its own text is the reason: it says all. Before a traceback stands what
    was raised: a summary shows the first lines only."""
    kind, said = type(statement.exception).__name__, text_of(statement.exception)
    if kind in WORD_OF_EXCEPTION:
        return Verdict(WORD_OF_EXCEPTION[kind], said)
    is_traceback = "Traceback (most recent call last)" in text.split("\n", 1)[0]
    return Verdict(word, f"{in_words(statement.exception)}\n{text}" if is_traceback else text)


def judge(
    told: Verdict | None,
    *,
    cut: Verdict | None,
    wait_status: int | None,
    where: str,
    left: Sequence[Mapping[str, Any]],
) -> Verdict:
    """The verdict on an attempt whose process has ended.

    told: what the attempt said about itself before it ended, if it came to that; it counts only when the process then
    ended as one does that has said all. cut: why the runner ended it, if it did. wait_status: as os.waitpid gives it,
    None when somebody else has taken it. where: what it was doing last. left: the processes it left behind."""
    if cut is not None:
        return cut
    if wait_status is None:
        return Verdict(
            CRASHED, f"nobody knows how it ended: something else in the runner's process waited for it, {where}"
        )
    if told is None or wait_status != 0:
        return Verdict(CRASHED, f"{how_ended(wait_status)}, {where}")
    if left and told.word in (PASSED, SKIPPED, EMPTY):
        return Verdict(LEAKED, "left behind: " + "; ".join(describe_process(process) for process in left))
    return told


def describe_process(process: Mapping[str, Any]) -> str:
    """One process that was left behind, as a text: its command line, its pid, the ports on which it listens."""
    ports = f", listening on {', '.join(process['ports'])}" if process["ports"] else ""
    return f"{process['command']} (pid {process['pid']}{ports})"


def how_ended(wait_status: int) -> str:
    """How a process ended, from its status as os.waitpid gives it."""
    code = os.waitstatus_to_exitcode(wait_status)
    return f"killed by {_signal_name(-code)}" if code < 0 else f"exited with code {code}"


def _signal_name(number: int) -> str:
    """Python has no name for most of the real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def in_words(error: BaseException) -> str:
    """An exception as a text: what it is, and what it says; of a group, a line for each of it."""
    said = text_of(error)
    if isinstance(error, BaseExceptionGroup):
        said = "\n".join([said, *(f"  {in_words(each)}" for each in error.exceptions)])
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def text_of(error: BaseException | None) -> str:
    """What an exception says, even when it cannot say it."""
    try:
        return str(error)
    except Exception as problem:
        return f"<its text cannot be had: {type(problem).__name__}>"
