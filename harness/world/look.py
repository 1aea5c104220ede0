"""Is anybody working? The clock's question, asked of `/proc`.

A process works unless every thread of it sleeps, is stopped or is dead. One look at one thread after the other can be
wrong: a thread may be woken between the look at it and the look at the one that woke it. Two looks that found everybody
asleep, with the same scheduler figures, are not: in between nobody has run. (Measured: one look was wrong 489 times in
249,423, two equal looks never.)

The figures alone do not do. They tell that a thread got a processor, but one that leaves it may be booked no time at
all: a virtual machine takes what its host has stolen from it out of what threads have used. So only who was seen asleep
has run no more when his figures are the same; and only then he has started nothing, and lists of threads and children,
made after he was seen asleep, still hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable

ASLEEP = b"SZTtIX"  # sleeping, zombie, stopped, traced, idle, dead
SOFTNET_BACKLOG = (11, 13, 14)  # columns of /proc/net/softnet_stat: packets that wait for the kernel


class Thread:
    """One thread's files in `/proc`, kept open: opening costs more than reading."""

    def __init__(self, directory: str) -> None:
        self._files: list[int] = []
        try:
            for name in ("stat", "schedstat", "children"):
                self._files.append(os.open(f"{directory}/{name}", os.O_RDONLY))
        except OSError:
            self.close()
            raise

    def is_asleep(self) -> bool:
        stat = os.pread(self._files[0], 512, 0)
        return stat[stat.rindex(b")") + 2] in ASLEEP

    def figures(self) -> bytes:
        return os.pread(self._files[1], 64, 0)

    def children(self) -> list[int]:
        return [int(pid) for pid in os.pread(self._files[2], 4096, 0).split()]

    def close(self) -> None:
        for file in self._files:
            os.close(file)


class Process:
    """One process as the clock looks at it. `has_run` says that it may have started others since this was set False."""

    def __init__(self, pid: int) -> None:
        self._tasks = f"/proc/{pid}/task"
        self._directory = os.open(self._tasks, os.O_RDONLY | os.O_DIRECTORY)
        self._threads: dict[int, Thread] = {}
        self._figures: dict[int, bytes] = {}
        self._last_busy = 0
        self.has_run = True

    def sleeps(self) -> bool:
        """Whether all of its threads sleep, new ones too. Raises OSError when the process is gone."""
        before, self._figures = self._figures, {}
        for number in list(self._threads):
            self._read_figures(number)
        self.has_run = self.has_run or self._figures != before
        if not self._all_asleep():
            return False
        while self.has_run and (new := {int(name) for name in os.listdir(self._directory)} - self._threads.keys()):
            for number in new:
                self._read_figures(number)
            if not self._all_asleep():
                return False
        return True

    def _all_asleep(self) -> bool:
        for number, thread in self._threads.items():
            if not thread.is_asleep():
                self._last_busy = number
                return False
        return True

    def _read_figures(self, number: int) -> None:
        try:
            if number not in self._threads:
                self._threads[number] = Thread(f"{self._tasks}/{number}")
            self._figures[number] = self._threads[number].figures()
        except OSError:  # it has ended
            if number in self._threads:
                self._threads.pop(number).close()
            if not self._threads:
                raise

    def children(self) -> list[int]:
        """Its children. Raises OSError when a thread is gone."""
        return [child for thread in self._threads.values() for child in thread.children()]

    def works_on(self) -> bool:
        """Whether the thread that was busy last still is: most looks end here."""
        try:
            return self._last_busy in self._threads and not self._threads[self._last_busy].is_asleep()
        except OSError:  # it has ended
            return False

    def works(self) -> bool:
        """Whether a thread works, or has run since `sleeps`. Raises OSError when one is gone."""
        for number, thread in self._threads.items():
            if not thread.is_asleep() or thread.figures() != self._figures[number]:
                self._last_busy = number
                return True
        return False

    def close(self) -> None:
        os.close(self._directory)
        for thread in self._threads.values():
            thread.close()


class Crowd:
    """The processes of a stage, as the clock looks at them: those that `roots` lists, and their descendants."""

    def __init__(self, roots: Callable[[], list[int]]) -> None:
        self._list_roots = roots
        self._roots: list[int] = []
        self._watcher: int | None = None
        self._processes: dict[int, Process] = {}
        self._last_busy = 0
        self._anew = True
        self._busy = False

    def watch(self, watcher: int | None) -> None:
        """From now on look at this process too, but not at its descendants; None: at no such process."""
        self._watcher, self._anew = watcher, True

    def look(self) -> bool:
        """Whether everybody sleeps, as far as one look can tell."""
        self._busy = True
        try:
            if self._last_busy in self._processes and self._processes[self._last_busy].works_on():
                return False
            if not all(self._sleeps(pid) for pid in list(self._processes)):
                return False
            roots = self._list_roots()
            if self._anew or roots != self._roots:
                self._anew = True
                if not self._find_all(roots):
                    return False
                self._roots, self._anew = roots, False
        except OSError:  # somebody ended, and what he left behind may have changed with him: look again
            return False
        return True

    def _sleeps(self, pid: int) -> bool:
        """Whether all threads of this process sleep; one that is gone does."""
        try:
            sleeps = self._processes[pid].sleeps()
        except OSError:
            self._processes.pop(pid).close()
            self._anew = True
            return True
        if not sleeps:
            self._last_busy = pid
        elif self._processes[pid].has_run:
            self._processes[pid].has_run = False
            self._anew = True
        return sleeps

    def _find_all(self, roots: list[int]) -> bool:
        """Find out who there is, until nobody is new: who was met later may have started others meanwhile, as children
        or as siblings. False when somebody who is new works, or has ended. Raises OSError when somebody else has."""
        new = True
        while new:
            new = False
            found = [*roots]
            for pid in found:
                if pid not in self._processes:
                    new = True
                    if not self._meet(pid):
                        return False
                found += [child for child in self._processes[pid].children() if child not in found]
        if self._watcher is not None and self._watcher not in self._processes and not self._meet(self._watcher):
            return False
        for pid in self._processes.keys() - found - {self._watcher}:
            self._processes.pop(pid).close()
        return True

    def _meet(self, pid: int) -> bool:
        """Look at a process for the first time: whether it sleeps, and is still there."""
        self._processes[pid] = Process(pid)
        return self._sleeps(pid) and pid in self._processes

    def works(self) -> bool:
        """Whether one of those that `look` saw works, or has run since; and whether there are others now."""
        for pid, process in self._processes.items():
            try:
                works = process.works()
            except OSError:
                works = True
            if works:
                self._last_busy = pid
                return True
        self._busy = self._list_roots() != self._roots
        return self._busy

    def working(self) -> list[str]:
        """The command line of the process that was found working in the last look, if any."""
        try:
            with open(f"/proc/{self._last_busy}/cmdline", "rb") as file:
                return [file.read().replace(b"\0", b" ").decode(errors="replace").strip()] if self._busy else []
        except OSError:
            return []

    def close(self) -> None:
        """Let go of all files."""
        while self._processes:
            self._processes.popitem()[1].close()


_softnet_stat = os.open("/proc/net/softnet_stat", os.O_RDONLY)


def kernel_is_quiet() -> bool:
    """Whether no packet waits in the kernel's backlog."""
    rows = [line.split() for line in os.pread(_softnet_stat, 1 << 16, 0).splitlines()]
    return not any(int(row[column], 16) for row in rows for column in SOFTNET_BACKLOG if column < len(row))
