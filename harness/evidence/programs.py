"""Programs as the world saw them: what was started, what it printed and when, how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Run:
    """One run of a program that the harness started, or that a shell ran which somebody asked for over SSH (its pid and
    its end are then the shell's). Times are microseconds since the stage began."""

    program: str
    node: str
    pid: int
    argv: list[str]
    started_at_us: int
    over_ssh: bool = False
    pieces: list[tuple[int, str, str]] = field(default_factory=list)
    code: int | None = None
    ended_at_us: int | None = None

    def printed(self, stream: str) -> str:
        """All that it wrote to `stdout` or `stderr`."""
        return "".join(text for _, name, text in self.pieces if name == stream)

    @property
    def exit_code(self) -> int | None:
        """The exit code as a shell reports it (128 + the signal that ended it); None while it runs."""
        return self.code if self.code is None or self.code >= 0 else 128 - self.code

    def __str__(self) -> str:
        state = "still running" if self.code is None else f"ended with {self.exit_code}"
        return f"{self.program} on {self.node} (pid {self.pid}), {state}"


def fold(events: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs that `events` tell of, in the order in which they were started."""
    every: list[Run] = []
    runs: dict[int, Run] = {}  # the last under each pid
    for event in events:
        if event["event"] == "started":
            fields = {name: event[name] for name in ("program", "node", "pid", "argv")}
            run = Run(**fields, started_at_us=event["at_us"], over_ssh=event.get("over_ssh", False))
            runs[run.pid] = run
            every.append(run)
        elif event["event"] == "output" and event["pid"] in runs:
            runs[event["pid"]].pieces.append((event["at_us"], event["stream"], event["text"]))
        elif event["event"] == "exited" and event["pid"] in runs:
            runs[event["pid"]].code, runs[event["pid"]].ended_at_us = event["code"], event["at_us"]
    return every
