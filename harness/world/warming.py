"""Starting a warm parent (mocks/common/warm.py). The world does that before it imports anything of its own, so that
both load side by side."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.world import BARE
from mocks.common.launch import Launched, launch

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Warming:
    """A warm parent that loads the stand-ins; it says so at the other end of the socket."""

    process: Launched
    ours: socket.socket


def start() -> Warming:
    """Start a warm parent as a child of this process. Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = launch(
            [sys.executable, "-m", "mocks.common.warm"],
            env={**BARE, "HOME": "/", "PYTHONPATH": str(PROJECT)},
            cwd="/",
            stdin=theirs.fileno(),
            stdout=2,  # the world's own is read to its end by who started it
        )
    return Warming(process, ours)
