"""Ends of processes that the world did not start: a worker is its hive's child, and its exit code is the hive's to
know. But that it is gone can be seen by all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from harness.world.askers import Asker


class Ends:
    """Watches processes of one stage; `tell` gets the event `gone`, with pid and program, when one has ended. Those
    that were `started` by the world are left out: it tells of their ends anyway."""

    def __init__(self, tell: Callable[..., None], started: Callable[[int], bool]) -> None:
        self._tell, self._started = tell, started
        self._watched: dict[int, int] = {}

    def meet(self, asker: Asker) -> None:
        """Tell of a process that asks for the first time, and of its end."""
        if not self._started(asker.pid):
            about = {"pid": asker.pid, "program": asker.program, "argv": list(asker.argv), "parent": asker.parent}
            self._tell("met", **about)
            self.watch(asker.pid, asker.program)

    def watch(self, pid: int, program: str) -> None:
        """Tell when this process has ended, once; at once when it has."""
        if pid in self._watched or self._started(pid):
            return
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            self._tell("gone", pid=pid, program=program)
            return
        self._watched[pid] = process
        asyncio.get_running_loop().add_reader(process, self._ended, pid, program)

    def close(self) -> None:
        """Watch nothing any more."""
        for pid in list(self._watched):
            self._forget(pid)

    def _ended(self, pid: int, program: str) -> None:
        self._forget(pid)
        self._tell("gone", pid=pid, program=program)

    def _forget(self, pid: int) -> None:
        process = self._watched.pop(pid)
        asyncio.get_running_loop().remove_reader(process)
        os.close(process)
