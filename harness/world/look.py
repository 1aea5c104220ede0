"""Is anybody working? The clock's question, asked of `/proc`.

A process works unless every thread of it sleeps, is stopped or is a zombie. One look at one thread after the other can
be wrong: a thread may be woken between the look at it and the look at the one that woke it. So a look has two halves.
`Crowd.look` sees asleep who has run since he was seen asleep last, and lists whom he has started. `Crowd.works` asks
again whether everybody sleeps, and then whether the scheduler's figures are still those from before they were seen
asleep: then nobody has run in between, and nobody can have woken another. (Measured: one look at everybody was wrong
489 times in 249,423, two with equal figures never.)

The figures alone do not do. They tell that a thread got a processor, but one that leaves it may be booked no time at
all: a virtual machine takes what its host has stolen from it out of what threads have used. So only who was seen asleep
after his figures were read has run no more when they are the same; and only then he has started nothing, and lists of
threads and children, made after he was seen asleep, still hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable

ASLEEP = b"SZTt"
"""The states of a thread that does nothing before somebody does something to it: sleeping, zombie, stopped, traced. A
dead one (X) is none of them: it is about to tell its parent that its process has ended, and may be kept waiting for a
processor before it has."""
SOFTNET_BACKLOG = (11, 13, 14)  # columns of /proc/net/softnet_stat: packets that wait for the kernel
STATE_BYTES = 96  # of /proc/PID/task/TID/stat: number, name (at most 64 bytes) and state
ZOMBIE = ord("Z")


class Thread:
    """One thread's files in `/proc`, kept open: opening costs more than reading. Methods raise OSError when it is gone.

    `resting` are its figures from before it was seen asleep last."""

    def __init__(self, directory: str) -> None:
        self.resting = b""
        self._files: list[int] = []
        try:
            for name in ("stat", "schedstat", "children"):
                self._files.append(os.open(f"{directory}/{name}", os.O_RDONLY))
        except OSError:
            self.close()
            raise

    def state(self) -> int:
        stat = os.pread(self._files[0], STATE_BYTES, 0)
        return stat[stat.rindex(b")") + 2]

    def is_asleep(self) -> bool:
        return self.state() in ASLEEP

    def figures(self) -> bytes:
        return os.pread(self._files[1], 64, 0)

    def children(self) -> list[int]:
        return [int(pid) for pid in os.pread(self._files[2], 4096, 0).split()]

    def close(self) -> None:
        for file in self._files:
            os.close(file)


class Process:
    """One process as the clock looks at it. `has_run` says that it may have started others since this was set False,
    `has_ended` that it or one of its threads has been found ended."""

    def __init__(self, pid: int) -> None:
        self.threads: dict[int, Thread] = {}
        self._worker = 0
        self.has_run = True
        self.has_ended = False
        self._tasks = f"/proc/{pid}/task"
        self._directory = os.open(self._tasks, os.O_RDONLY | os.O_DIRECTORY)

    def rests(self) -> bool:
        """Whether all of its threads, new ones too, have been seen asleep since they have run. Raises OSError when the
        process is gone."""
        if not all(self._rests(number) for number in list(self.threads)):
            return False
        while self.has_run and (new := {int(name) for name in os.listdir(self._directory)} - self.threads.keys()):
            if not all(self._rests(number) for number in new):
                return False
        return True

    def _rests(self, number: int) -> bool:
        """Whether a thread, which may be a new one, rests; one that has ended does."""
        try:
            if number not in self.threads:
                self.threads[number] = Thread(f"{self._tasks}/{number}")
            thread = self.threads[number]
            figures = thread.figures()
            if figures != thread.resting:
                self.has_run = True
                state = thread.state()
                if state not in ASLEEP:
                    self._worker = number
                    return False
                self.has_ended = self.has_ended or state == ZOMBIE
                thread.resting = figures
        except OSError:
            self.has_run = self.has_ended = True
            if number in self.threads:
                self.threads.pop(number).close()
            if not self.threads:
                raise
        return True

    def works_on(self) -> bool:
        """Whether the thread that was found working last still does: most looks end here."""
        try:
            return self._worker in self.threads and not self.threads[self._worker].is_asleep()
        except OSError:  # it has ended
            return False

    def children(self) -> list[int]:
        """Its children. Raises OSError when a thread is gone."""
        return [child for thread in self.threads.values() for child in thread.children()]

    def close(self) -> None:
        os.close(self._directory)
        for thread in self.threads.values():
            thread.close()


class Crowd:
    """The processes of a stage, as the clock looks at them: those that `roots` lists, and their descendants."""

    def __init__(self, roots: Callable[[], list[int]]) -> None:
        self._list_roots = roots
        self._roots: list[int] = []
        self._watcher: int | None = None
        self._processes: dict[int, Process] = {}
        self._threads: list[tuple[int, Thread]] = []  # of all processes, with the number of theirs
        self._worker = 0
        self._anew = True
        self._ended = False
        self._busy = False

    def watch(self, watcher: int | None) -> None:
        """From now on look at this process too, but not at its descendants; None: at no such process."""
        self._watcher, self._anew = watcher, True

    def look(self) -> bool:
        """The first half of a look: whether everybody has been seen asleep since he has run."""
        self._busy = True
        try:
            if self._worker in self._processes and self._processes[self._worker].works_on():
                return False
            if not all(self._rests(pid) for pid in list(self._processes)):
                return False
            roots = self._list_roots()
            if self._anew or roots != self._roots:
                self._anew = True
                if not self._find_all(roots):
                    return False
                self._roots, self._anew = roots, False
        except OSError:  # somebody ended, and what he left behind may have changed with him: look again
            return False
        # Who waits for somebody that has just been found ended may not have been woken yet: look again.
        ended, self._ended = self._ended, False
        return not ended

    def _rests(self, pid: int) -> bool:
        """Whether this process rests; one that is gone does."""
        try:
            rests = self._processes[pid].rests()
        except OSError:
            self._processes.pop(pid).close()
            self._anew = self._ended = True
            return True
        process = self._processes[pid]
        self._ended = self._ended or process.has_ended
        process.has_ended = False
        if not rests:
            self._worker = pid
        elif process.has_run:
            process.has_run = False
            self._anew = True
        return rests

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
        self._threads = [(pid, thread) for pid, one in self._processes.items() for thread in one.threads.values()]
        return True

    def _meet(self, pid: int) -> bool:
        """Look at a process for the first time: whether it rests, and is still there."""
        self._processes[pid] = Process(pid)
        return self._rests(pid) and pid in self._processes

    def works(self) -> bool:
        """The second half: whether one of those whom `look` has found works, or has run since; and whether there are
        others now."""
        try:
            busy = next((pid for pid, thread in self._threads if not thread.is_asleep()), None)
            if busy is None:
                busy = next((pid for pid, thread in self._threads if thread.figures() != thread.resting), None)
        except OSError:  # somebody has ended
            return True
        self._worker = busy or self._worker
        self._busy = busy is not None or self._list_roots() != self._roots
        return self._busy

    def working(self) -> list[str]:
        """The command line of the process that was found working in the last look, if any; the watcher, who asks for
        this, is not meant: it may not have come to rest yet."""
        if self._worker == self._watcher:
            return []
        try:
            with open(f"/proc/{self._worker}/cmdline", "rb") as file:
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
