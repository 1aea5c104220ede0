"""Orphans: what programs left running when they ended.

The world is a child subreaper, so orphans become its children. To which stage one belongs is told by the stage's mark
in its environment or, where it has that no more, by the directory that it works in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

LIST_BYTES = 1 << 16  # more pids than a machine has for a run
MARK = "RBEE_BDD_STAGE"  # the variable that every program of a stage has: docs/design.md


def children(pid: int) -> list[int]:
    """The children of a process, those that ended and were not waited for among them; none when it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    return found


def descendants(roots: Iterable[int]) -> list[int]:
    """These processes and all below them, parents first."""
    found = list(dict.fromkeys(roots))
    for pid in found:
        found += [child for child in children(pid) if child not in found]
    return found


class Orphans:
    """The orphans of all stages of a world; it needs the running loop of the main thread.

    Children that the world started itself are none: `started` and `ended` say which those are, because their exit
    status is taken elsewhere. So is that of children that were there before."""

    def __init__(self) -> None:
        # Orphans go to the main thread; the clock asks for them so often that the file is kept open.
        self._children = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
        self._is_closed = False
        self._others = frozenset(self._list_children())
        self._started = set(self._others)
        self._stages: dict[str, tuple[Path, Callable[[], None]]] = {}
        self._marks: dict[int, str | None] = {}  # of every living orphan; None: nothing tells (yet)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def started(self, pid: int) -> None:
        """The world started this child: leave it to whoever did. To be said before the loop runs on."""
        self._started.add(pid)

    def ended(self, pid: int) -> None:
        """The exit status of a child that the world started has been taken."""
        self._started.discard(pid)

    def join(self, mark: str, directory: Path, on_end: Callable[[], None]) -> None:
        """A stage begins: `on_end` is called when an orphan of it has ended."""
        self._stages[mark] = (directory, on_end)

    def leave(self, mark: str) -> None:
        """A stage is over. Harmless when that has been said."""
        self._stages.pop(mark, None)

    def of(self, *marks: str | None) -> list[int]:
        """The living orphans of the stages with these marks. None stands for those of which nothing tells to whom they
        belong: just being born, just ended, or in disguise."""
        self._look()
        return [pid for pid, owner in self._marks.items() if owner in marks]

    def close(self) -> None:
        """The world ends: kill every orphan that is left, and whatever it started and nobody ended, and wait until it
        is gone."""
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
        self._is_closed = True
        self._started = set(self._others)
        while self._look():
            for pid in list(self._marks):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del self._marks[pid]
        os.close(self._children)

    def _list_children(self) -> list[int]:
        return [int(pid) for pid in os.pread(self._children, LIST_BYTES, 0).split()]

    def _look(self) -> bool:
        """Find out to whom new orphans belong; whether there are any orphans."""
        for pid in self._list_children():
            if pid not in self._started and self._marks.get(pid) is None:
                self._marks[pid] = self._owner(pid)
        return bool(self._marks)

    def _owner(self, pid: int) -> str | None:
        """The mark of the stage that a process belongs to; None when nothing tells, as of one that has ended."""
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            for variable in environment.split(b"\0"):
                if variable.startswith(f"{MARK}=".encode()):
                    return variable.decode("utf-8", "replace").partition("=")[2]
            works_in = Path(f"/proc/{pid}/cwd").readlink()
            return next((mark for mark, (home, _) in self._stages.items() if works_in.is_relative_to(home)), None)
        return None

    def _reap(self) -> None:
        """Wait for the orphans that have ended."""
        if self._is_closed:  # a signal that came just before
            return
        self._look()
        for pid, mark in list(self._marks.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._marks[pid]
                if mark in self._stages:
                    self._stages[mark][1]()
