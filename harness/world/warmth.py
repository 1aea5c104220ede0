"""The world's warm parent (mocks/common/warm.py): it forks the stand-ins that the world starts, as children of the
world. And the place on a stage where launchers (mocks/common/launcher.py) ask for forks: a shell execs its programs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from pathlib import Path

import psutil

from harness.world import warming
from harness.world.adoption import Orphans
from harness.world.processes import Processes
from harness.world.topology import Stage
from mocks.common.launch import Forked, lean_on

LOAD_LIMIT_S = 30.0  # real seconds
CREDENTIALS = struct.Struct("iII")  # pid, user and group: struct ucred of unix(7)
REQUEST_BYTES = 1 << 20  # more than a Unix socket takes at once


class WarmParent:
    """The warm parent of this process, at first the one that has been started already; another one is started when it
    dies. Needs the running loop."""

    def __init__(self, orphans: Orphans, first: tuple[int, socket.socket]) -> None:
        self._orphans = orphans
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
        async with asyncio.timeout(LOAD_LIMIT_S):
            await asyncio.shield(self._tried)

    def close(self) -> None:
        """End it, and wait until it is gone."""
        self._release()
        self._process.kill()
        self._process.wait()

    def _loaded(self) -> None:
        self._loop.remove_reader(self._ours)
        if self._ours.recv(REQUEST_BYTES):
            lean_on(self._ours)
            self._tried.set_result(None)

    def _ended(self) -> None:
        was_loaded = self._tried.done()
        self._release()
        how = f"the warm parent ({self._process.pid}) ended with {self._process.poll()}"
        if was_loaded:
            print(f"{how}: another one is started", file=sys.stderr)
            self._await(warming.start())
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


class Launches:
    """The socket at `path` where the launchers of a stage ask for forks. A fork is ended when its launcher dies."""

    def __init__(self, path: Path, stage: Stage, processes: Processes) -> None:
        self._stage, self._processes = stage, processes
        self._loop = asyncio.get_running_loop()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._open: set[socket.socket] = set()
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Take no more requests."""
        for each in (self._listener, *self._open):
            self._loop.remove_reader(each)
            each.close()

    def _accept(self) -> None:
        launcher, _ = self._listener.accept()
        self._open.add(launcher)
        self._loop.add_reader(launcher, self._asked, launcher)

    def _asked(self, launcher: socket.socket) -> None:
        asked, files, _, _ = socket.recv_fds(launcher, REQUEST_BYTES, 3)
        try:
            pid = self._processes.fork(asked, files, lambda code: self._tell(launcher, code)) if asked else None
        finally:
            for file in files:
                os.close(file)
        if pid is None:
            self._tell(launcher, 0)
            self._hang_up(launcher)
            return
        # What started the launcher would be the parent of the program, were that exec'd.
        self._stage.tell("forked", pid=pid, parent=psutil.Process(_pid(launcher)).ppid())
        self._tell(launcher, pid)
        self._loop.add_reader(launcher, self._lost, launcher, pid)

    def _lost(self, launcher: socket.socket, pid: int) -> None:
        """The launcher is gone, or it has been told of the end."""
        self._hang_up(launcher)
        with contextlib.suppress(ProcessLookupError):
            self._processes.signal(pid, signal.SIGKILL)

    def _hang_up(self, launcher: socket.socket) -> None:
        self._loop.remove_reader(launcher)
        self._open.discard(launcher)
        launcher.close()

    def _tell(self, launcher: socket.socket, number: int) -> None:
        if launcher in self._open:
            with contextlib.suppress(OSError):
                launcher.send(b"%d" % number)


def _pid(client: socket.socket) -> int:
    """The process at the other end of a Unix socket, as the kernel knows it (SO_PEERCRED)."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    pid: int = CREDENTIALS.unpack(credentials)[0]
    return pid
