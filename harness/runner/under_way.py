"""The runner's record of one attempt under way: what it has told, and how it is ended."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.runner import tree
from harness.runner.attempt import Setting
from harness.runner.channel import Ear, Unreadable
from harness.runner.messages import Message
from harness.runner.plan import Planned
from harness.runner.verdict import Verdict

# An attempt that is to end is told so ever more firmly: seconds after the first time → signal.
BLOWS = ((0.0, signal.SIGINT), (1.0, signal.SIGTERM), (1.5, signal.SIGKILL))
SLOW_SHARE = 0.5


@dataclass
class Attempt:
    """step, line: the step that it is in, and that step's line. process: its pidfd. ear: hears what it tells over
    `channel`. results: of its steps so far. told: its last message; then statuses are those of all its steps. cut: the
    verdict for which it is ended."""

    planned: Planned
    setting: Setting
    pid: int
    process: int
    channel: socket.socket
    ear: Ear
    began_s: float
    limit_s: float | None
    step: str | None = None
    line: int | None = None
    results: list[str] = field(default_factory=list)
    told: Message | None = None
    cut: Verdict | None = None
    is_slow: bool = False
    statuses: list[str] = field(default_factory=list)
    _blows: deque[tuple[float, signal.Signals]] = field(default_factory=deque)

    @property
    def where(self) -> str:
        """What it is doing, as far as it has told."""
        if self.step is not None:
            return f"in the step: {self.step}"
        return "after its last step" if self.results else "before its first step"

    @property
    def next_look_s(self) -> float:
        """When its clock asks for something next: a blow, the word that it is slow, its limit."""
        if self._blows:
            return self._blows[0][0]
        if self.cut is not None or self.limit_s is None:
            return float("inf")
        return self.began_s + self.limit_s * (1.0 if self.is_slow else SLOW_SHARE)

    def hear(self) -> Iterator[Message]:
        """What it has told since the last time. Raises EOFError when it will not tell any more, and Unreadable when
        what it tells is no message."""
        for line in self.ear.lines():
            try:
                message = json.loads(line)
                self._note(message)
            except (ValueError, TypeError, KeyError) as error:
                raise Unreadable(f"what it told cannot be read: {line[:80]!r}: {error!r}") from error
            yield message

    def _note(self, message: Message) -> None:
        if message["do"] == "scenario":
            self.results.clear()  # it may be tried more than once
        elif message["do"] == "match":
            self.step, self.line = message["text"], message["line"]
        elif message["do"] == "result":
            self.step = self.line = None
            self._name_cause(message)
            self.results.append(message["status"])
        elif message["do"] == "ended":
            for state in message["steps"]:
                self._name_cause(state)
            self.statuses = list(map(str, message["statuses"]))
            self.told = message

    def _name_cause(self, state: Message) -> None:
        """What ended a step that was cut short is the verdict; the step itself only knows that it was interrupted."""
        if self.cut is not None and state["exception"] and state["exception"]["type"] == KeyboardInterrupt.__name__:
            state["exception"] |= {"type": self.cut.word, "kind": "Exception", "text": self.cut.reason}
            state["error_message"] = self.cut.message

    def cut_short(self, verdict: Verdict, now_s: float) -> None:
        """End it: it gets `verdict`, and the blows begin. One that is being ended already is left to that."""
        if self.cut is None:
            self.cut = verdict
            # In the terminal's session the terminal has sent SIGINT itself; a second one would hit the cleanups.
            blows = BLOWS[1:] if self.setting.attached else BLOWS
            self._blows = deque((now_s + delay_s, number) for delay_s, number in blows)

    def hurry(self) -> None:
        """Let the last of the blows fall next."""
        while len(self._blows) > 1:
            self._blows.popleft()
        if self._blows:
            self._blows[0] = (0.0, self._blows[0][1])

    def strike(self, now_s: float) -> None:
        """Let the blows fall that are due."""
        while self._blows and self._blows[0][0] <= now_s:
            number = self._blows.popleft()[1]
            if number == signal.SIGKILL:
                tree.kill(self.pid)
            else:
                below = [] if number == signal.SIGINT else tree.living_below(self.pid)
                tree.send([self.pid, *below], number)

    def acknowledge(self) -> None:
        """Tell it that its last message has been shown."""
        with suppress(OSError):
            self.channel.send(b".")

    def count_steps(self) -> dict[str, int]:
        """How many of the scenario's steps have which status; the running one counts as `error`."""
        if self.told is not None:
            return dict(Counter(self.statuses))
        counts = Counter(self.results)
        counts["error"] += self.step is not None
        counts["skipped"] += len(list(self.planned.scenario.all_steps)) - counts.total()
        return dict(+counts)

    def close(self) -> int | None:
        """Collect its exit status, as os.waitpid gives it; None when somebody else has. Its process must have ended."""
        self.channel.close()
        os.close(self.process)
        try:
            return os.waitpid(self.pid, 0)[1]
        except ChildProcessError:
            return None


@dataclass(frozen=True)
class Outcome:
    """How a planned scenario came to its verdict. told: the attempt's last message. output: the file with what it wrote
    past behave's capture; None where it was not begun, or wrote to the terminal."""

    verdict: Verdict
    begun: bool
    told: Message | None = None
    output: Path | None = None
