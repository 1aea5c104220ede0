"""Is anybody working? The clock's question, asked of `/proc`.

A process works unless every thread of it sleeps, is stopped or is dead. One look can be wrong: a thread may be woken
between the look at it and the look at the one that woke it. Two looks that found everybody asleep with the same
scheduler figures are not: in between nobody has run. (Measured: one look was wrong 489 times in 249,423, two equal
looks never.)
"""

from __future__ import annotations

import os
from collections.abc import Iterable

ASLEEP = b"SZTtIX"  # sleeping, zombie, stopped, traced, idle, dead
SOFTNET_BACKLOG = (11, 13, 14)  # columns of /proc/net/softnet_stat: packets that wait for the kernel

Figures = dict[int, bytes]
"""What a look found: thread → its scheduler figures."""


class Thread:
    """One thread's files in `/proc`, kept open: opening costs more than reading."""

    def __init__(self, directory: str) -> None:
        self._files = [os.open(f"{directory}/{name}", os.O_RDONLY) for name in ("stat", "schedstat", "children")]

    def state(self) -> bytes:
        stat = os.pread(self._files[0], 512, 0)
        return stat[stat.rindex(b")") + 2 :][:1]

    def figures(self) -> bytes:
        return os.pread(self._files[1], 64, 0)

    def children(self) -> list[int]:
        return [int(pid) for pid in os.pread(self._files[2], 4096, 0).split()]

    def close(self) -> None:
        for file in self._files:
            os.close(file)


class Process:
    """One process as the clock looks at it."""

    def __init__(self, pid: int) -> None:
        self._tasks = f"/proc/{pid}/task"
        self._directory = os.open(self._tasks, os.O_RDONLY | os.O_DIRECTORY)
        self._threads: dict[int, Thread] = {}
        self._last_busy = 0

    def look(self, figures: Figures) -> list[int] | None:
        """Its children, when all of its threads sleep (their figures are added); None when it works.

        Children are listed after the state of the thread was read, so that none is born unseen. Raises OSError when the
        process is gone."""
        if self._works_on():
            return None
        children: list[int] = []
        present = {int(name) for name in os.listdir(self._directory)}
        if not present:
            raise ProcessLookupError
        for gone in self._threads.keys() - present:
            self._threads.pop(gone).close()
        for number in present:
            thread = self._threads.get(number) or self._threads.setdefault(number, Thread(f"{self._tasks}/{number}"))
            if thread.state() not in ASLEEP:
                self._last_busy = number
                return None
        for number in present:
            figures[number] = self._threads[number].figures()
            children += self._threads[number].children()
        return children

    def _works_on(self) -> bool:
        """Whether the thread that was busy last still is: most looks end here."""
        try:
            return self._last_busy in self._threads and self._threads[self._last_busy].state() not in ASLEEP
        except ProcessLookupError:  # it has ended
            return False

    def close(self) -> None:
        os.close(self._directory)
        for thread in self._threads.values():
            thread.close()


class Crowd:
    """The processes of a stage, as the clock looks at them."""

    def __init__(self) -> None:
        self._processes: dict[int, Process] = {}
        self._last_busy = 0
        self._busy = False

    def look(self, roots: Iterable[int], watcher: int | None) -> Figures | None:
        """The scheduler figures of `roots`, their descendants and the process `watcher` (without its descendants), when
        all of them sleep; None when one of them works, or came or went while it was looked at."""
        figures: Figures = {}
        to_see = list(roots)
        self._busy = True
        if self._last_busy in self._processes and self._see(self._last_busy, {}) is None:
            return None
        if watcher is not None and self._see(watcher, figures) is None:
            return None
        seen: set[int] = set()
        while to_see:
            pid = to_see.pop()
            if pid in seen:
                continue
            seen.add(pid)
            children = self._see(pid, figures)
            if children is None:
                return None
            to_see += children
        for gone in self._processes.keys() - seen - {watcher}:
            self._processes.pop(gone).close()
        self._busy = False
        return figures

    def _see(self, pid: int, figures: Figures) -> list[int] | None:
        try:
            process = self._processes.get(pid) or self._processes.setdefault(pid, Process(pid))
            children = process.look(figures)
        except OSError:  # gone: what it left behind may have changed with it, so look again
            self._forget(pid)
            return None
        if children is None:
            self._last_busy = pid
        return children

    def _forget(self, pid: int) -> None:
        if pid in self._processes:
            self._processes.pop(pid).close()

    def working(self) -> list[str]:
        """The command line of the process that the last look found working, if any."""
        try:
            with open(f"/proc/{self._last_busy}/cmdline", "rb") as file:
                return [file.read().replace(b"\0", b" ").decode(errors="replace").strip()] if self._busy else []
        except OSError:
            return []

    def close(self) -> None:
        """Let go of all files."""
        for pid in list(self._processes):
            self._forget(pid)


def kernel_is_quiet() -> bool:
    """Whether no packet waits in the kernel's backlog."""
    with open("/proc/net/softnet_stat", "rb") as file:
        rows = [line.split() for line in file]
    return not any(int(row[column], 16) for row in rows for column in SOFTNET_BACKLOG if column < len(row))
