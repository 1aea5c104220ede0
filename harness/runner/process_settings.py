"""What user code changes for its whole process: the runner does its own work with settings of its own."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProcessSettings:
    """directory: a descriptor of the working directory, -1 where it could not be opened. umask: as os.umask takes it.
    on_child: what SIGCHLD does; only by default is the exit status of a child kept for who waits for it.
    socket_limit_s: the time that new sockets wait, None for without end."""

    directory: int
    umask: int
    on_child: Any
    socket_limit_s: float | None

    def apply(self) -> None:
        """Have the process go on with these settings."""
        with suppress(OSError):  # a directory that has been closed to this user: where it is, it stays
            os.fchdir(self.directory)
        os.umask(self.umask)
        signal.signal(signal.SIGCHLD, self.on_child)
        socket.setdefaulttimeout(self.socket_limit_s)


def current() -> ProcessSettings:
    """The settings that the process has now."""
    umask = os.umask(0o077)
    os.umask(umask)
    try:
        directory = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        directory = -1
    # None: the handler was not installed from Python, and cannot be told apart from the default.
    on_child = signal.getsignal(signal.SIGCHLD) or signal.SIG_DFL
    return ProcessSettings(directory, umask, on_child, socket.getdefaulttimeout())


def plain() -> ProcessSettings:
    """What the runner works with: where it stands now, files that only their owner writes, the kernel's defaults."""
    return ProcessSettings(current().directory, 0o022, signal.SIG_DFL, None)
