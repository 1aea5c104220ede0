"""The lines on which programs wait at a stage's clock: a Unix socket, and the page beside it (docs/design.md).

On the page the clock writes what time it is, and each program what it waits for. So neither the question nor a wait
costs a message, and a limit that does not come, as most do not, costs nothing at all. The page is read only when
nobody works; then nobody writes."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import mmap
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

WORD = struct.Struct("=q")
PAGE_SUFFIX = ".page"
PAGE_BYTES = 1 << 16
NOW, LINE_WORDS = 0, 4
DUE, SINCE, TURN = 0, 1, 2
"""The page is made of words. The first is the time; line number n (from 1) has those from 4n on."""
MOST_LINES = PAGE_BYTES // WORD.size // LINE_WORDS - 1


class LineWait(NamedTuple):
    """What a program waits for: when it is due, since when it waits, and on which line."""

    due_us: int
    since_us: int
    number: int


class Lines:
    """Lets programs wait at the Unix socket `path`. Times are Unix microseconds. Needs the running loop."""

    def __init__(self, path: Path, now_us: int) -> None:
        self._page = _new_page(path.with_suffix(PAGE_SUFFIX))
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
        self._page[NOW] = now_us

    def earliest(self) -> LineWait | None:
        """The wait that is due first; of those due at once, the one that waits longest."""
        waits = [LineWait(due_us, self._word(number, SINCE), number) for number, due_us in self._dues()]
        return min(waits, default=None)

    def dues(self) -> list[int]:
        """When all waits are due, in no order."""
        return [due_us for _, due_us in self._dues()]

    def release(self, number: int) -> None:
        """Let the program on line `number` know that its wait is due."""
        self._page[LINE_WORDS * number + DUE] = 0
        with contextlib.suppress(OSError):  # it has just been killed
            self._lines[number].send(WORD.pack(self._word(number, TURN)))

    def close(self) -> None:
        """Hang up on everybody."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for number in list(self._lines):
            self._hang_up(number)

    def _dues(self) -> list[tuple[int, int]]:
        page = self._page
        return [(number, due_us) for number in self._lines if (due_us := page[LINE_WORDS * number + DUE])]

    def _word(self, number: int, which: int) -> int:
        return self._page[LINE_WORDS * number + which]

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            line, _ = self._listener.accept()
            if not self._free:  # more threads than this wait on no stage; whoever is too much is told
                line.close()
                return
            number = heapq.heappop(self._free)
            self._page[LINE_WORDS * number + DUE] = 0
            self._lines[number] = line
            self._loop.add_reader(line, self._hang_up, number)  # a program never says anything, but goes
            with contextlib.suppress(OSError):
                line.send(WORD.pack(number))

    def _hang_up(self, number: int) -> None:
        """A wait ends with its line."""
        line = self._lines.pop(number)
        self._loop.remove_reader(line)
        line.close()
        heapq.heappush(self._free, number)


def _new_page(file: Path) -> memoryview:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.ftruncate(descriptor, PAGE_BYTES)
        return memoryview(mmap.mmap(descriptor, PAGE_BYTES)).cast("q")
    finally:
        os.close(descriptor)
