"""Starting a warm parent (mocks/common/warm.py). The world does that before it imports anything of its own, so that
both load side by side."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import nullcontext

from harness.world import BARE
from harness.world.namespaces import LENT, Home

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


def start(home: Home | None) -> tuple[int, socket.socket]:
    """Start a warm parent as a child of this process: its process id, and the socket at whose other end it says so when
    it has loaded the stand-ins. Where nodes have namespaces of their own it may send its forks there. Raises
    OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, home.lending(LENT) if home is not None else nullcontext():
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "mocks.common.warm"],
            {**BARE, "HOME": "/", "PYTHONPATH": PROJECT},
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)],
            setsigmask=[],
        )
    return pid, ours
