"""The runner's side of an attempt's messages: behave's model and formatters get what a sequential run would give
them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from behave.capture import Captured
from behave.matchers import NoMatch
from behave.model import Scenario, Step
from behave.model_type import Status

from harness.runner import raised
from harness.runner.messages import Message, with_bytes
from harness.runner.plan import containers
from harness.runner.verdict import PASSED, SKIPPED, Verdict


class Definitions:
    """Finds the step definition that an attempt used, by its location: a search through all of them takes long."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._at: dict[str, list[Any]] = {}
        for matchers in registry.steps.values():
            for matcher in matchers:
                self._at.setdefault(str(matcher.location), []).append(matcher)

    def match(self, step: Step, location: str | None) -> Any:
        """behave's own match of `step` with the definition at `location` (`file:line`); None: there is no
        definition."""
        if location is None:
            return NoMatch()
        for matcher in self._at.get(location, []):
            match = matcher.match(step.name)
            if match:
                return match
        return self._registry.find_match(step) or NoMatch()


class Replay:
    """Feeds the messages about one scenario to behave's model and to the formatters."""

    def __init__(self, scenario: Scenario, formatters: Sequence[Any], definitions: Definitions) -> None:
        self._scenario = scenario
        self._formatters = formatters
        self._definitions = definitions
        self._steps: dict[int, Step] = dict(enumerate(scenario.all_steps))
        self._announced = False
        self._running: Step | None = None

    def apply(self, message: Message) -> None:
        """Do what one message tells."""
        do = message["do"]
        if do == "scenario":
            self._announced = True
            self._scenario.name = message["name"]
            self._tell("scenario", self._scenario)
        elif do == "embedding":
            self._embed(message)
        elif do == "call":
            called = getattr(self._formatters[message["formatter"]], message["method"])
            called(*with_bytes(message["arguments"]), **with_bytes(message["named"]))
        elif do == "step":
            if message["step"] is not None:
                self._steps[message["at"]] = Step(**message["step"])
            self._tell("step", self._steps[message["at"]])
        else:
            self._apply_to_step(do, self._steps[message["at"]], message)

    def _apply_to_step(self, do: str, step: Step, message: Message) -> None:
        if do == "match":
            self._running = step
            self._tell("match", self._definitions.match(step, message["location"]))
        else:
            self._running = None
            _restore_step(step, message)
            self._tell("result", step)

    def conclude(self, verdict: Verdict, told: Message | None) -> None:
        """Bring model and formatters to the verdict. told: the attempt's last message, if it came to that."""
        if not self._announced:
            self._announce()
        if told is not None:
            self._take_over(told)
        if verdict.word in (PASSED, SKIPPED):
            return
        is_own = told is not None and (told["verdict"], told["reason"]) == (verdict.word, verdict.reason)
        if not (is_own and self._scenario.status.has_failed()):
            self._fail(verdict)

    def _announce(self) -> None:
        self._tell("scenario", self._scenario)
        for step in self._steps.values():
            self._tell("step", step)

    def _take_over(self, told: Message) -> None:
        self._scenario.name = told["name"]
        self._scenario.steps = list(self._steps.values())[len(self._scenario.background_steps) :]
        for state in told["steps"]:
            if state["at"] in self._steps:  # behave does not announce the steps of a scenario that a hook has skipped
                _restore_step(self._steps[state["at"]], state)
        _restore(self._scenario, told)
        self._scenario.skip_reason = told["skip_reason"]
        self._scenario.set_status(Status[told["status"]])
        for container, captured in zip(containers(self._scenario), told["containers"], strict=True):
            if not container.captured.has_output():  # once is enough of what every attempt repeats
                _restore_captured(container, captured)

    def _fail(self, verdict: Verdict) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.status = Status.error
            _set_problem(running, verdict)
            self._tell("result", running)
        fail(self._scenario, verdict)

    def _embed(self, message: Message) -> None:
        for formatter in self._formatters:
            if hasattr(formatter, "embedding"):
                formatter.embedding(message["mime_type"], base64.b64decode(message["data"]))

    def _tell(self, call: str, argument: Any) -> None:
        for formatter in self._formatters:
            getattr(formatter, call)(argument)


def fail(scenario: Scenario, verdict: Verdict) -> None:
    """Make a scenario red in behave's model, with the verdict's word and reason as its problem."""
    for step in scenario.all_steps:
        if step.status.is_untested():
            step.status = Status.skipped
    scenario.set_status(Status.error)
    _set_problem(scenario, verdict)


def _set_problem(statement: Any, verdict: Verdict) -> None:
    statement.exception = raised.problem(verdict.word, verdict.reason)
    statement.error_message = verdict.message


def _restore_step(step: Step, state: Message) -> None:
    _restore(step, state)
    step.status = Status[state["status"]]
    step.duration = state["duration_s"]


def _restore(statement: Any, state: Message) -> None:
    statement.hook_failed = state["hook_failed"]
    statement.error_message = state["error_message"]
    record = state["exception"]
    statement.exception, statement.exc_traceback = raised.rebuilt(record) if record else (None, None)
    _restore_captured(statement, state["captured"])


def _restore_captured(statement: Any, captured: list[Message]) -> None:
    statement.captured.reset()
    for each in captured:
        statement.captured.add_captured(Captured(**each), use_merge=False)
