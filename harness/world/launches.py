"""Where on a stage launchers (mocks/common/launcher.py) ask for forks: a shell execs its programs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
from functools import partial
from pathlib import Path
from typing import Protocol

import psutil

from harness.world.ground import Ground
from harness.world.named import program_of
from harness.world.processes import Processes
from harness.world.topology import Stage

CREDENTIALS = struct.Struct("iII")  # pid, user and group: struct ucred of unix(7)
REQUEST_BYTES = 1 << 20  # more than a Unix socket takes at once
STANDARD_FILES = 3
MOST_LAUNCHERS = 256  # at a time; no stage has more than a dozen


class Place(Stage, Protocol):
    """A stage that knows where its processes live."""

    def ground(self, pid: int) -> Ground | None:
        """Where a process lives; None for one that has gone elsewhere. Raises OSError when it has ended."""


class Launches:
    """The socket at `path` where the launchers of a stage ask for forks. A fork is ended when its launcher dies."""

    def __init__(self, path: Path, stage: Place, processes: Processes) -> None:
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
        with contextlib.suppress(OSError):  # it has gone again
            launcher, _ = self._listener.accept()
            if len(self._open) >= MOST_LAUNCHERS:
                launcher.close()
                return
            launcher.setblocking(False)  # the world waits for none that reads nothing
            self._open.add(launcher)
            self._loop.add_reader(launcher, self._asked, launcher)

    def _asked(self, launcher: socket.socket) -> None:
        """A launcher asks for a fork, or some other program says something that nobody understands."""
        files: list[int] = []
        pid = None
        with contextlib.suppress(OSError, psutil.NoSuchProcess):  # it has gone again
            asked, files, _, _ = socket.recv_fds(launcher, REQUEST_BYTES, STANDARD_FILES)
            # What started the launcher would be the parent of the program, were that exec'd.
            parent = psutil.Process(_pid(launcher)).ppid()
            ground = self._stage.ground(_pid(launcher))
            if asked and len(files) == STANDARD_FILES and ground is not None:
                on_exit = partial(self._tell, launcher)
                pid = self._processes.fork(asked, [*files, *ground.files], parent, on_exit)
        for file in files:
            os.close(file)
        if pid is None:
            self._tell(launcher, 0)
            self._hang_up(launcher)
            return
        self._stage.tell("forked", pid=pid, parent=parent, program=program_of([os.fsdecode(asked.split(b"\0")[1])]))
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
