"""The world's warm parent (mocks/common/warm.py): it forks the stand-ins that the world starts, as children of the
world."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from harness.world import warm_process
from harness.world.adoption import Orphans
from harness.world.namespaces import Home
from mocks.common.launch import Forked, lean_on

LOAD_LIMIT_S = 20.0  # real seconds; less than an attempt waits for a reply
READY_BYTES = 64


class WarmParent:
    """The warm parent of this process, at first the one that has been started already; another one is started when it
    dies. Needs the running loop."""

    def __init__(self, orphans: Orphans, first: tuple[int, socket.socket], home: Home | None) -> None:
        self._orphans = orphans
        self._home = home
        self._loop = asyncio.get_running_loop()
        self._await(first)

    def _await(self, started: tuple[int, socket.socket]) -> None:
        self._tried = self._loop.create_future()
        pid, self._ours = started
        self._process = Forked(pid)
        self._orphans.started(pid)
        self._pidfd = os.pidfd_open(pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(self._ours, self._loaded)

    async def tried(self) -> None:
        """Wait until it has loaded the stand-ins, or it is clear that it will not. Raises TimeoutError."""
        try:
            async with asyncio.timeout(LOAD_LIMIT_S):
                await asyncio.shield(self._tried)
        except TimeoutError:
            raise TimeoutError(f"the warm parent ({self._process.pid}) is not ready after {LOAD_LIMIT_S:g} s") from None

    def close(self) -> None:
        """End it, and wait until it is gone."""
        if self._ours.fileno() < 0:  # it has ended before it was ready, and there is no other
            return
        self._release()
        self._process.kill()
        self._process.wait()

    def _loaded(self) -> None:
        self._loop.remove_reader(self._ours)
        if self._ours.recv(READY_BYTES):
            lean_on(self._ours)
            self._tried.set_result(None)

    def _ended(self) -> None:
        was_loaded = self._tried.done()
        self._release()
        how = f"the warm parent ({self._process.pid}) ended with {self._process.poll()}"
        if was_loaded:
            print(f"{how}: another one is started", file=sys.stderr)
            self._await(warm_process.start(self._home))
        else:
            print(f"{how} before it was ready: programs are exec'd instead", file=sys.stderr)
            self._tried.set_result(None)

    def _release(self) -> None:
        lean_on(None)
        self._orphans.ended(self._process.pid)
        for descriptor in (self._pidfd, self._ours.fileno()):
            self._loop.remove_reader(descriptor)
        os.close(self._pidfd)
        self._ours.close()
