"""The one place where a program waits.

Without `RBEE_CLOCK` a wait is real time. With it, the variable names a Unix socket at which a clock answers, one JSON
line a message (docs/design.md, "The clock"): a sleep and a limit are then the same message, a wait with a due time, and
whoever keeps that clock decides when the time has come. Times on the wire are whole microseconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")

_idle: list[tuple[int, _Line]] = []


class Readable(Protocol):
    """Anything that a poll can wait for."""

    def fileno(self) -> int:
        """Its file descriptor."""


class _Line:
    """One connection to the clock, which carries one wait at a time."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.answers = self.socket.makefile("r", encoding="ascii")

    def ask(self, **message: int | None) -> None:
        self.socket.sendall(json.dumps(message).encode("ascii") + b"\n")

    def answer(self) -> dict[str, Any]:
        line = self.answers.readline()
        if not line:
            raise ConnectionError(f"the clock at {os.environ.get('RBEE_CLOCK')} is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def cancel(self) -> None:
        """Call off the wait, and read past its answer if that was quicker."""
        self.ask(cancel=None)
        while "canceled" not in self.answer():
            pass


def _take_line() -> _Line:
    """A connection that carries no wait: an idle one of this very process (a fork must not talk on its parent's), or a
    new one."""
    while _idle:
        pid, line = _idle.pop()
        if pid == os.getpid():
            return line
    return _Line(os.environ["RBEE_CLOCK"])


def _give_back(line: _Line) -> None:
    _idle.append((os.getpid(), line))


def on_a_clock() -> bool:
    """Whether a clock other than real time is set for this program."""
    return bool(os.environ.get("RBEE_CLOCK"))


def _us(seconds: float) -> int:
    return max(0, round(seconds * 1_000_000))


def now_us() -> int:
    """Unix time in microseconds, on the clock."""
    if not on_a_clock():
        return time.time_ns() // 1000
    line = _take_line()
    line.ask(now=None)
    now = int(line.answer()["now_us"])
    _give_back(line)
    return now


def sleep(delay_s: float) -> None:
    """Wait `delay_s` seconds on the clock."""
    if not on_a_clock():
        time.sleep(max(0.0, delay_s))
        return
    line = _take_line()
    line.ask(wait_us=_us(delay_s))
    line.answer()
    _give_back(line)


class Limit:
    """How long something may take: a context in which `wait_readable` raises TimeoutError once the limit has come."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._line: _Line | None = None
        self._due_s = 0.0

    def __enter__(self) -> Limit:
        if on_a_clock():
            self._line = _take_line()
            self._line.ask(wait_us=_us(self.limit_s))
        else:
            self._due_s = time.monotonic() + self.limit_s
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.cancel()
            _give_back(self._line)
            self._line = None

    def wait_readable(self, source: Readable) -> None:
        """Return as soon as `source` can be read without blocking.

        Raises TimeoutError when the limit comes first. What is readable wins when both are."""
        poll = select.poll()
        poll.register(source.fileno(), select.POLLIN)
        if self._line is None:
            ready = poll.poll(max(0.0, self._due_s - time.monotonic()) * 1000)
        else:
            poll.register(self._line.socket.fileno(), select.POLLIN)
            ready = poll.poll()
        if source.fileno() not in dict(ready):
            raise TimeoutError(f"nothing came within {self.limit_s:g} s")


def limit(limit_s: float) -> Limit:
    """A limit of `limit_s` seconds on the clock, running from `with` on."""
    return Limit(limit_s)


async def _due(line: _Line) -> None:
    """Return when the wait that `line` carries is due; its answer is read off the line."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(line.socket, lambda: None if readable.done() else readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(line.socket)


async def asleep(delay_s: float) -> None:
    """Wait `delay_s` seconds on the clock, letting the event loop go on."""
    if not on_a_clock():
        await asyncio.sleep(max(0.0, delay_s))
        return
    line = _take_line()
    line.ask(wait_us=_us(delay_s))
    try:
        await _due(line)
    finally:
        line.cancel()
        _give_back(line)


async def within(limit_s: float, awaitable: Awaitable[Result]) -> Result:
    """The result of `awaitable`, which is canceled when it takes longer than `limit_s` seconds on the clock.

    Raises TimeoutError then."""
    work = asyncio.ensure_future(awaitable)
    due = asyncio.ensure_future(asleep(limit_s))
    try:
        await asyncio.wait({work, due}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise TimeoutError(f"not done within {limit_s:g} s")
    finally:
        for task in (work, due):
            task.cancel()
        await asyncio.gather(work, due, return_exceptions=True)
