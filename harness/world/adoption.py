"""Orphans: what programs left running when they ended.

The world is a child subreaper, so orphans become its children. To which stage one belongs is told by the stage's mark
in its environment or, where it has that no more, by the directory that it works in. One that has neither hides; by the
stage's sign it is found all the same: a number that all processes of a stage have for a limit which concerns none of
them, and which nobody thinks of changing (RLIMIT_RTTIME, soft)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

LIST_BYTES = 1 << 16  # more pids than a machine has for a run
MARK = "RBEE_BDD_STAGE"  # the variable that every program of a stage has: docs/design.md
FIRST_SIGN = 10**15  # microseconds of processor time, thirty years, for a thread with a real-time priority
SIGN = resource.RLIMIT_RTTIME


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
        self._new_signs = itertools.count(FIRST_SIGN)
        self._signs: dict[str, int] = {}  # of every stage
        self._marks: dict[int, str | None] = {}  # of every living orphan; None: nothing tells (yet)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    @contextlib.contextmanager
    def signed(self, mark: str) -> Iterator[None]:
        """A context in which every process that is started has the sign of the stage with this mark from its beginning
        on."""
        soft, hard = resource.getrlimit(SIGN)
        with contextlib.suppress(ValueError):  # a limit is set already, and lower
            resource.setrlimit(SIGN, (self._signs[mark], hard))
        try:
            yield
        finally:
            resource.setrlimit(SIGN, (soft, hard))

    def started(self, pid: int, mark: str | None = None) -> None:
        """The world started this child, on the stage with this `mark`: leave it to whoever did. To be said before the
        loop runs on. One that a warm parent has forked gets the stage's sign now."""
        self._started.add(pid)
        if mark is None:
            return
        for each in descendants([pid]):
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(each, SIGN, (self._signs[mark], resource.prlimit(each, SIGN)[1]))

    def ended(self, pid: int) -> None:
        """The exit status of a child that the world started has been taken."""
        self._started.discard(pid)

    def join(self, mark: str, directory: Path, on_end: Callable[[], None]) -> None:
        """A stage begins: `on_end` is called when an orphan of it has ended."""
        self._stages[mark] = (directory, on_end)
        self._signs[mark] = next(self._new_signs)

    def leave(self, mark: str) -> None:
        """A stage is over. Harmless when that has been said."""
        self._stages.pop(mark, None)
        self._signs.pop(mark, None)

    def of(self, *marks: str | None) -> list[int]:
        """The living orphans of the stages with these marks. None stands for those of which nothing tells to whom they
        belong: just being born, just ended, or in disguise."""
        self._look()
        return [pid for pid, owner in self._marks.items() if owner in marks]

    def hidden(self, mark: str) -> list[int]:
        """The orphans of the stage with this mark that hide now."""
        return [pid for pid in self.of(mark) if self._shown_owner(pid) is None]

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
            sign, _ = resource.prlimit(pid, SIGN)
            return self._shown_owner(pid) or next((mark for mark, own in self._signs.items() if own == sign), None)
        return None

    def _shown_owner(self, pid: int) -> str | None:
        """As `_owner`, of a process that does not hide."""
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
