"""What an attempt tells the runner: behave's own calls to a formatter, one JSON line each, and at the end the outcome.

| do | with |
|---|---|
| `scenario` | |
| `step` | line |
| `match` | line, text, location of the step definition or null: the step begins |
| `result` | line, text, and the state of the step: it has ended |
| `embedding` | mime_type, data (base64) |
| `ended` | verdict, reason, story (or null), and the state of the scenario and of all its steps |
"""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

from behave.capture import ManyCaptured
from behave.model import Scenario, Step

from harness.runner.plan import containers
from harness.runner.verdict import Verdict

Message = dict[str, Any]
# After these a live attempt waits until the runner has shown them.
AWAITED = ("match", "result")


class Forwarder:
    """A behave formatter that forwards to the runner what concerns the scenario.

    in_step_with_runner: wait after each step's begin and end until the runner has shown it, so that what the step
    prints to the terminal stands between them."""

    def __init__(self, channel: socket.socket, *, in_step_with_runner: bool) -> None:
        self._channel = channel
        self._in_step = in_step_with_runner
        self._ahead: list[Step] = []

    def _tell(self, do: str, **fields: Any) -> None:
        self._channel.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
        if self._in_step and do in AWAITED:
            self._channel.recv(1)

    def scenario(self, _scenario: Scenario) -> None:
        """behave begins the scenario."""
        self._tell("scenario")

    def step(self, step: Step) -> None:
        """behave announces a step, before it begins the first one."""
        self._ahead.append(step)
        self._tell("step", line=step.line)

    def match(self, match: Any) -> None:
        """behave begins a step."""
        step = self._ahead[0]
        location = str(match.location) if match.location else None
        self._tell("match", line=step.line, text=f"{step.keyword} {step.name}", location=location)

    def result(self, step: Step) -> None:
        """A step has ended."""
        self._ahead.pop(0)
        self._tell("result", text=f"{step.keyword} {step.name}", **state_of_step(step))

    def embedding(self, mime_type: str, data: bytes) -> None:
        """The user attaches data to the running step."""
        if not self._ahead:
            raise RuntimeError("context.attach() needs a step to which it can attach")
        self._tell("embedding", mime_type=mime_type, data=base64.b64encode(data).decode())

    def ended(self, scenario: Scenario, verdict: Verdict, **fields: Any) -> None:
        """The scenario is over, hooks and cleanups too."""
        story = getattr(scenario, "story", None)  # harness/runner/story.py
        told = {"verdict": verdict.word, "reason": verdict.reason, "story": story}
        self._tell("ended", **told, **state_of_scenario(scenario), **fields)

    def uri(self, _uri: str) -> None:
        """The runner tells its formatters of features itself, as it does for the four below."""

    feature = rule = background = uri

    def eof(self) -> None:
        """See uri()."""


def state_of_step(step: Step) -> Message:
    """What behave's model holds about a step that has ended, or was not begun."""
    proven = getattr(step, "proven", None)  # harness/proof says so of a Then step
    return {"line": step.line, "duration_s": step.duration, "proven": proven, **_state(step)}


def state_of_scenario(scenario: Scenario) -> Message:
    """What behave's model holds about a scenario after it was run."""
    return {
        **_state(scenario),
        "skip_reason": scenario.skip_reason,
        "steps": [state_of_step(step) for step in scenario.all_steps],
        "containers": [_captured(container.captured) for container in containers(scenario)],
    }


def _state(statement: Any) -> Message:
    problem = statement.exception
    return {
        "status": statement.status.name,
        "hook_failed": statement.hook_failed,
        "error_message": statement.error_message,
        "exception": None if problem is None else [type(problem).__name__, str(problem)],
        "captured": _captured(statement.captured),
    }


def _captured(captured: ManyCaptured) -> list[Message]:
    return [
        {"stdout": each.stdout, "stderr": each.stderr, "log": each.log, "name": each.name, "failed": bool(each.failed)}
        for each in captured.captures
    ]
