"""The verdict on a planned scenario: one of ten words, and why."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from behave.model import Scenario
from behave.model_type import Status

from harness.runner.plan import containers

PASSED = "passed"
FAILED = "failed"
ERROR = "error"
UNDEFINED = "undefined"
TIMEOUT = "timeout"
CRASHED = "crashed"
LEAKED = "leaked"
UNPROVEN = "unproven"
SKIPPED = "skipped"
NOT_RUN = "not run"
WORDS = (PASSED, FAILED, SKIPPED, ERROR, UNDEFINED, TIMEOUT, CRASHED, LEAKED, UNPROVEN, NOT_RUN)


@dataclass(frozen=True)
class Verdict:
    """What is said about one planned scenario: a word of WORDS, and the reason in a text for people."""

    word: str
    reason: str = ""

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
        return Verdict(ERROR, f"{type(broke).__name__}: {broke}")
    status = scenario.status
    if status.has_failed():
        return _of_red_scenario(scenario)
    outer = _outer_problem(scenario)
    if outer is not None:
        return outer
    if status == Status.skipped:
        return Verdict(SKIPPED, scenario.skip_reason or "no reason given")
    if status == Status.passed:
        return Verdict(PASSED)
    return Verdict(ERROR, f"behave left the scenario {status.name}")


def _of_red_scenario(scenario: Scenario) -> Verdict:
    for step in scenario.all_steps:
        if step.status == Status.undefined:
            return Verdict(UNDEFINED, f"no step definition for: {step.keyword} {step.name}")
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
    kind, said = type(statement.exception).__name__, str(statement.exception)
    if kind in WORD_OF_EXCEPTION:
        return Verdict(WORD_OF_EXCEPTION[kind], said)
    return Verdict(word, f"{kind}: {said}\n{text}" if text.startswith("Traceback") else text)


def judge(
    told: Verdict | None, *, cut: Verdict | None, wait_status: int, where: str, left: Sequence[Mapping[str, Any]]
) -> Verdict:
    """The verdict on an attempt whose process has ended.

    told: what the attempt said about itself before it ended, if it came to that. cut: why the runner ended it, if it
    did. wait_status: as os.waitpid gives it. where: what it was doing last. left: the processes it left behind."""
    if cut is not None:
        return cut
    if told is None:
        return Verdict(CRASHED, f"{how_ended(wait_status)}, {where}")
    if left and told.word in (PASSED, SKIPPED):
        return Verdict(LEAKED, "left behind: " + "; ".join(describe_process(process) for process in left))
    return told


def describe_process(process: Mapping[str, Any]) -> str:
    """One process that was left behind, as a text: its command line, its pid, the ports on which it listens."""
    ports = f", listening on {', '.join(process['ports'])}" if process["ports"] else ""
    return f"{process['command']} (pid {process['pid']}{ports})"


def how_ended(wait_status: int) -> str:
    """How a process ended, from its status as os.waitpid gives it."""
    code = os.waitstatus_to_exitcode(wait_status)
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
