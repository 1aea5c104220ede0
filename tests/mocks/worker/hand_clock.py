"""A clock whose hands a test moves, as docs/design.md describes it ("The clock"): a socket, and a page beside it."""

from __future__ import annotations

import mmap
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

START_US = 1_728_508_603_000_000
LIMIT_S = 20
FLOWING_S = 1.0
LOOK_EVERY_S = 0.001
WORD = struct.Struct("=q")
MOST_LINES = 127
LINE_WORDS, DUE, TURN = 4, 0, 2


class HandClock:
    """Time stands until `move` or `flow` is called."""

    def __init__(self, path: Path) -> None:
        page = path.with_suffix(".page")
        page.write_bytes(bytes((MOST_LINES + 1) * LINE_WORDS * WORD.size))
        with page.open("r+b") as file:
            self._page = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self._page[0] = START_US
        self._lines: list[socket.socket] = []
        self._turn = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen(MOST_LINES)
        self._threads = [threading.Thread(target=self._accept)]
        self._is_over = threading.Event()

    def __enter__(self) -> HandClock:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._lines):
            each.close()

    @property
    def now_us(self) -> int:
        """Unix time."""
        return self._page[0]

    @property
    def passed_s(self) -> float:
        """How far the hands have been moved."""
        return (self.now_us - START_US) / 1_000_000

    def move(self, delay_s: float) -> None:
        """Move on by `delay_s`, as soon as somebody waits for exactly that moment."""
        due_us = self.now_us + round(delay_s * 1_000_000)
        until_s = time.monotonic() + LIMIT_S
        while due_us not in self._waits().values():
            if time.monotonic() > until_s:
                raise AssertionError(f"nobody waits for +{delay_s} s; due are {sorted(self._waits().values())}")
            self._is_over.wait(LOOK_EVERY_S)
        self._release(lambda due: due <= due_us)

    def flow(self) -> None:
        """From now on every wait of up to a second is over at once. Longer ones are limits of calls: they stay."""
        self._threads.append(threading.Thread(target=self._flow))
        self._threads[-1].start()

    def _flow(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            self._release(lambda due_us: due_us - self.now_us <= FLOWING_S * 1_000_000)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(line)
            line.send(WORD.pack(len(self._lines)))

    def _waits(self) -> dict[int, int]:
        """When the wait on each line is due."""
        dues = {number: self._page[LINE_WORDS * number + DUE] for number in range(1, len(self._lines) + 1)}
        return {number: due_us for number, due_us in dues.items() if due_us}

    def _release(self, is_due: Callable[[int], bool]) -> None:
        with self._turn:
            for number, due_us in sorted(self._waits().items(), key=lambda wait: wait[1]):
                if is_due(due_us):
                    self._page[0] = max(self.now_us, due_us)
                    self._page[LINE_WORDS * number + DUE] = 0
                    self._lines[number - 1].send(WORD.pack(self._page[LINE_WORDS * number + TURN]))
