"""The one place where a program waits.

Without `RBEE_CLOCK` a wait is real time. With it, whoever keeps that clock decides when the time has come
(docs/design.md, "The clock"). The variable names a Unix socket; beside it lies the clock's page, a file that everybody
maps. There the clock writes what time it is, and a program what it waits for: a sleep and a limit are the same, a wait
with a due time, and neither costs a message. Over the socket comes only the word that a wait is due. Times are whole
microseconds.
"""

from __future__ import annotations

import asyncio
import functools
import mmap
import os
import select
import socket
import struct
import time
from collections.abc import Awaitable
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

Result = TypeVar("Result")

WORD = struct.Struct("=q")
PAGE_SUFFIX = ".page"
NOW, LINE_WORDS = 0, 4
DUE, SINCE, TURN = 0, 1, 2
"""The page is made of words. The first is the time; line number n (from 1) has those from 4n on."""

_idle: list[tuple[int, _Line]] = []


class Readable(Protocol):
    """Anything that a poll can wait for."""

    def fileno(self) -> int:
        """Its file descriptor."""


class _Line:
    """One connection to the clock, which carries one wait at a time."""

    def __init__(self, path: str) -> None:
        self._page = _page(path)
        self._turn = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)
        self._first = LINE_WORDS * self._receive()

    def wait(self, delay_us: int) -> None:
        """Begin a wait in the place of the one before."""
        self._turn += 1
        now_us = self._page[NOW]
        self._page[self._first + SINCE] = now_us
        self._page[self._first + TURN] = self._turn
        self._page[self._first + DUE] = now_us + delay_us

    def is_due(self) -> bool:
        """Take the word that has come, or will: whether it is about the wait that was begun last, and not about one
        that was called off in the moment in which it was due."""
        return self._receive() == self._turn

    def cancel(self) -> None:
        """Call off the wait."""
        self._page[self._first + DUE] = 0

    def _receive(self) -> int:
        word = self.socket.recv(WORD.size)
        if not word:
            self.socket.close()
            raise ConnectionError(f"the clock at {os.environ.get('RBEE_CLOCK')} is gone")
        number: int = WORD.unpack(word)[0]
        return number


@functools.cache
def _page(path: str) -> memoryview:
    """The words of the page that lies beside a clock's socket."""
    with Path(path).with_suffix(PAGE_SUFFIX).open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 0)).cast("q")


def _take_line() -> _Line:
    """A connection that carries no wait: an idle one of this very process (a fork must not talk on its parent's), or a
    new one."""
    while _idle:
        pid, line = _idle.pop()
        if pid == os.getpid():
            return line
        line.socket.detach()  # its number may be that of another file by now
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
    return _page(os.environ["RBEE_CLOCK"])[NOW]


def sleep(delay_s: float) -> None:
    """Wait `delay_s` seconds on the clock."""
    if not on_a_clock():
        time.sleep(max(0.0, delay_s))
        return
    line = _take_line()
    line.wait(_us(delay_s))
    while not line.is_due():
        pass
    _give_back(line)


class Limit:
    """How long something may take: a context in which `wait_readable` raises TimeoutError once the limit has come."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._line: _Line | None = None
        self._due_s = 0.0
        self._is_over = False

    def __enter__(self) -> Limit:
        if on_a_clock():
            self._line = _take_line()
            self._line.wait(_us(self.limit_s))
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
        if self._line is not None:
            poll.register(self._line.socket.fileno(), select.POLLIN)
        while source.fileno() not in dict(poll.poll(self._left_ms())):
            self._is_over = self._line is None or self._is_over or self._line.is_due()
            if self._is_over:
                raise TimeoutError(f"nothing came within {self.limit_s:g} s")

    def _left_ms(self) -> float | None:
        """How long a poll may take; None where the clock says when it is over."""
        if self._is_over:
            return 0
        return max(0.0, self._due_s - time.monotonic()) * 1000 if self._line is None else None


def limit(limit_s: float) -> Limit:
    """A limit of `limit_s` seconds on the clock, running from `with` on."""
    return Limit(limit_s)


async def _due(line: _Line) -> None:
    """Return when the wait that `line` carries is due."""
    loop = asyncio.get_running_loop()
    is_due = False
    while not is_due:
        readable = loop.create_future()
        loop.add_reader(line.socket, readable.set_result, None)
        try:
            await readable
        finally:
            loop.remove_reader(line.socket)
        is_due = line.is_due()


async def asleep(delay_s: float) -> None:
    """Wait `delay_s` seconds on the clock, letting the event loop go on."""
    if not on_a_clock():
        await asyncio.sleep(max(0.0, delay_s))
        return
    line = _take_line()
    line.wait(_us(delay_s))
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
