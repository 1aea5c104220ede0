"""The lines on which programs wait at a stage's clock: a Unix socket, and the page beside it (docs/design.md).

On the page the clock writes what time it is, and each program what it waits for. So neither the question nor a wait
costs a message, and a limit that does not come, as most do not, costs nothing at all. The page is read only when
nobody works; then nobody writes.

A program may write on the page whatever it wants, or cut it off. So the clock reads and writes it as a file, and maps
nothing: a page that ends too early is one on which nobody waits, and not the end of the world (SIGBUS)."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

WORD = struct.Struct("=q")
PAGE_SUFFIX = ".page"
PAGE_BYTES = 1 << 15
NOW, LINE_WORDS = 0, 4
DUE, SINCE, TURN = 0, 1, 2
"""The page is made of words. The first is the time; line number n (from 1) has those from 4n on."""
MOST_LINES = PAGE_BYTES // WORD.size // LINE_WORDS - 1
LATEST_US = 1 << 62  # as far as time goes: who waits for later waits for ever


class LineWait(NamedTuple):
    """What a program waits for: when it is due, since when it waits, and on which line."""

    due_us: int
    since_us: int
    number: int


class Lines:
    """Lets programs wait at the Unix socket `path`. Times are Unix microseconds. Needs the running loop."""

    def __init__(self, path: Path, now_us: int) -> None:
        self._page = _new_page(path.with_suffix(PAGE_SUFFIX))
        self._now_us = now_us
        self.show(now_us)
        self._lines: dict[int, socket.socket] = {}
        self._free = list(range(1, MOST_LINES + 1))  # a heap
        self._loop = asyncio.get_running_loop()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen(MOST_LINES)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)

    def show(self, now_us: int) -> None:
        """Write down what time it is."""
        self._now_us = now_us
        self._write(NOW, now_us)

    def earliest(self) -> LineWait | None:
        """The wait that is due first; of those due at once, the one that waits longest."""
        return min(self._waits(), default=None)

    def dues(self) -> list[int]:
        """When all waits are due, in no order."""
        return [wait.due_us for wait in self._waits()]

    def release(self, number: int) -> None:
        """Let the program on line `number` know that its wait is due."""
        self._write(LINE_WORDS * number + DUE, 0)
        try:
            self._lines[number].send(self._read(LINE_WORDS * number + TURN, 1))
        except OSError:  # it has just been killed, or takes no word any more
            self._hang_up(number)

    def close(self) -> None:
        """Hang up on everybody."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for number in list(self._lines):
            self._hang_up(number)
        os.close(self._page)

    def _waits(self) -> list[LineWait]:
        """The waits of all lines. None is due before now: time does not go back for what a program has written."""
        words = memoryview(self._read(0, LINE_WORDS * (max(self._lines, default=0) + 1))).cast("q")
        firsts = {number: LINE_WORDS * number for number in self._lines}
        return [
            LineWait(max(words[first + DUE], self._now_us), words[first + SINCE], number)
            for number, first in firsts.items()
            if words[first + DUE] and words[first + DUE] <= LATEST_US
        ]

    def _read(self, word: int, count: int) -> bytes:
        """So many words of the page, from one on; zeros where it is cut off."""
        return os.pread(self._page, count * WORD.size, word * WORD.size).ljust(count * WORD.size, b"\0")

    def _write(self, word: int, value: int) -> None:
        with contextlib.suppress(OSError):  # where it is cut off there may be no place any more
            os.pwrite(self._page, WORD.pack(value), word * WORD.size)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            line, _ = self._listener.accept()
            if not self._free:  # more threads than this wait on no stage; whoever is too much is told
                line.close()
                return
            number = heapq.heappop(self._free)
            self._write(LINE_WORDS * number + DUE, 0)
            line.setblocking(False)  # the world waits for none that reads nothing
            self._lines[number] = line
            self._loop.add_reader(line, self._hang_up, number)  # a program never says anything, but goes
            with contextlib.suppress(OSError):
                line.send(WORD.pack(number))

    def _hang_up(self, number: int) -> None:
        """A wait ends with its line, and so it does when a program says something."""
        line = self._lines.pop(number)
        self._loop.remove_reader(line)
        line.close()
        heapq.heappush(self._free, number)


def _new_page(file: Path) -> int:
    """A descriptor of the page. Its place is taken now: on a full disk a program that maps it would die by SIGBUS."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, PAGE_BYTES)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
