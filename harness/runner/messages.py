"""What an attempt tells the runner: behave's own calls to a formatter, one JSON line each, and at the end the outcome.

| do | with |
|---|---|
| `scenario` | name: it begins, perhaps once more |
| `step` | at: its place among the scenario's steps, from 0; the step itself, where it is none of the file's |
| `match` | at, line, text, location of the step definition or null: the step begins |
| `result` | text, and the state of the step: it has ended |
| `embedding` | mime_type, data (base64) |
| `call` | formatter: its place among the runner's; method, arguments, named: what it is to do (bytes in base64) |
| `ended` | verdict, reason, story (or null), and the state of the scenario and of all its steps |
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from behave.capture import ManyCaptured
from behave.model import Scenario, Step

from harness.runner import raised
from harness.runner.channel import Mouth
from harness.runner.plan import containers
from harness.runner.verdict import Verdict

Message = dict[str, Any]
# After these a live attempt waits until the runner has shown them.
AWAITED = ("match", "result")
# Of one text that a scenario has printed, or raised, so much is told, half of it from its end.
LONGEST_TEXT = 2**18
LONGEST_ATTACHMENT = 2**25
BASE64 = "base64 of bytes"


class Forwarder:
    """A behave formatter that forwards to the runner what concerns the scenario.

    scenario: the one that is run, as it stands in its file. directory: the attempt's own, for what is too long to be
    told. in_step_with_runner: wait after each step's begin and end until the runner has shown it, so that what the step
    prints to the terminal stands between them."""

    def __init__(
        self, channel: socket.socket, scenario: Scenario, directory: Path, *, in_step_with_runner: bool
    ) -> None:
        self._of_file = list(map(_identity, scenario.all_steps))
        self._mouth = Mouth(channel)
        self._overflow = Overflow(directory)
        self._in_step = in_step_with_runner
        self._announced = 0
        self._ahead: list[tuple[int, Step]] = []
        self._told: dict[int, Message] = {}

    @property
    def is_own(self) -> bool:
        """Whether this process is the attempt, and no fork of it."""
        return self._mouth.is_own

    def _tell(self, do: str, **fields: Any) -> None:
        if not self._mouth.is_own:
            _end_fork()
        self._mouth.say(json.dumps({"do": do, **fields}).encode())
        if self._in_step and do in AWAITED:
            self._mouth.await_answer()

    def scenario(self, scenario: Scenario) -> None:
        """behave begins the scenario."""
        self._announced = 0
        self._ahead.clear()  # of an earlier time, where hooks have it tried again
        self._tell("scenario", name=scenario.name)

    def step(self, step: Step) -> None:
        """behave announces a step, before it begins the first one."""
        at, self._announced = self._announced, self._announced + 1
        self._ahead.append((at, step))
        self._tell("step", at=at, step=self._own(at, step))

    def match(self, match: Any) -> None:
        """behave begins a step."""
        at, step = self._ahead[0]
        location = str(match.location) if match.location else None
        self._tell("match", at=at, line=step.line, text=f"{step.keyword} {step.name}", location=location)

    def result(self, step: Step) -> None:
        """A step has ended."""
        at, _ = self._ahead.pop(0)
        state = self._told[at] = self._state_of_step(at, step)
        self._tell("result", text=f"{step.keyword} {step.name}", **state)

    def _own(self, at: int, step: Step) -> Message | None:
        """The step at this place, where it is another one than the file has there: a hook may add steps."""
        if self._of_file[at : at + 1] == [_identity(step)]:
            return None
        about = {name: getattr(step, name) for name in ("filename", "line", "keyword", "step_type", "name")}
        return {**about, "text": step.text and str(step.text)}

    def embedding(self, mime_type: str, data: bytes) -> None:
        """The user attaches data to the running step."""
        if not self._ahead:
            raise RuntimeError("context.attach() needs a step to which it can attach")
        if len(data) > LONGEST_ATTACHMENT:
            mime_type, data = "text/plain", self._overflow.note(data, "attachment").encode()
        self._tell("embedding", mime_type=mime_type, data=base64.b64encode(data).decode())

    def call(self, formatter: int, method: str, *arguments: Any, **named: Any) -> None:
        """A hook or step has one of the runner's formatters do something. Raises TypeError for what cannot be told."""
        told = json.loads(json.dumps([arguments, named], default=_bytes_as_text))
        self._tell("call", formatter=formatter, method=method, arguments=told[0], named=told[1])

    def ended(self, scenario: Scenario, verdict: Verdict, **fields: Any) -> None:
        """The scenario is over, hooks and cleanups too. Of its steps only what has not been told already is told."""
        states = [self._state_of_step(at, step) for at, step in enumerate(scenario.all_steps)]
        self._tell(
            "ended",
            verdict=verdict.word,
            reason=self._overflow.bounded(verdict.reason, "reason"),
            story=getattr(scenario, "story", None),  # harness/runner/story.py
            name=scenario.name,
            skip_reason=scenario.skip_reason,
            steps=[state for state in states if self._told.get(state["at"]) != state],
            statuses=[state["status"] for state in states],
            containers=[self._captured(container.captured, "containers") for container in containers(scenario)],
            **self._state(scenario, "scenario"),
            **fields,
        )

    def uri(self, _uri: str) -> None:
        """The runner tells its formatters of features itself, as it does for the four below."""

    feature = rule = background = uri

    def eof(self) -> None:
        """See uri()."""

    def _state_of_step(self, at: int, step: Step) -> Message:
        """What behave's model holds about a step that has ended, or was not begun."""
        proven = getattr(step, "proven", None)  # harness/proof says so of a Then step
        about = {"at": at, "line": step.line, "duration_s": step.duration, "proven": proven}
        return {**about, **self._state(step, f"step-{at}")}

    def _state(self, statement: Any, of: str) -> Message:
        problem, message = statement.exception, statement.error_message

        def bounded(text: str) -> str:
            return self._overflow.bounded(text, f"{of}-raised")

        return {
            "status": statement.status.name,
            "hook_failed": statement.hook_failed,
            "error_message": self._overflow.bounded(message, f"{of}-error") if message else message,
            "exception": None if problem is None else raised.described(problem, statement.exc_traceback, bounded),
            "captured": self._captured(statement.captured, of),
        }

    def _captured(self, captured: ManyCaptured, of: str) -> list[Message]:
        return [
            {
                **{kind: self._overflow.bounded(getattr(each, kind), f"{of}-{kind}") for kind in CAPTURED},
                "name": each.name,
                "failed": bool(each.failed),
            }
            for each in captured.captures
        ]


CAPTURED = ("stdout", "stderr", "log")


class Overflow:
    """Where that goes which is too long to be told: files in `directory`, which is kept when the scenario is red."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._notes: dict[tuple[str, bytes], str] = {}

    def bounded(self, text: str, what: str) -> str:
        """The text, or its two ends with a note between them that says where all of it is. what: the file's name."""
        if len(text) <= LONGEST_TEXT:
            return text
        half = LONGEST_TEXT // 2
        return f"{text[:half]}\n{self.note(text.encode(errors='backslashreplace'), what)}\n{text[-half:]}"

    def note(self, data: bytes, what: str) -> str:
        """Write the data to a file; returns where it is. The same data is written once."""
        key = what, hashlib.sha256(data).digest()
        if key not in self._notes:
            path = self._directory / "told" / f"{what}.{len(self._notes)}.txt"
            try:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
                self._notes[key] = f"… {len(data):,} bytes; when the scenario is red, all of it is in {path} …"
            except OSError as error:
                self._notes[key] = f"… {len(data):,} bytes, which could not be kept: {error} …"
        return self._notes[key]


def _bytes_as_text(value: Any) -> Message:
    if isinstance(value, bytes | bytearray | memoryview):
        return {BASE64: base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} cannot be handed to a formatter from a scenario: text, numbers, bytes can")


def with_bytes(value: Any) -> Any:
    """An argument of a `call` as it was before it was told."""
    if isinstance(value, dict):
        if list(value) == [BASE64]:
            return base64.b64decode(value[BASE64])
        return {name: with_bytes(each) for name, each in value.items()}
    return [with_bytes(each) for each in value] if isinstance(value, list) else value


def _identity(step: Step) -> tuple[str, int, str, str]:
    """By what a step of the file is known."""
    return step.filename, step.line, step.keyword, step.name


def _end_fork(end: Callable[[int], NoReturn] = os._exit) -> NoReturn:
    """The end of a process that a step has forked and that then left the step: it is no second attempt."""
    try:
        os.write(2, f"process {os.getpid()}, a fork that came out of its step, was ended\n".encode())
    finally:
        end(1)
