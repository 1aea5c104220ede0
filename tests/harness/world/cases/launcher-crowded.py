"""Opens a thousand connections where forks are asked for, and asks for none."""

import contextlib
import os
import socket

asking: list[socket.socket] = []
with contextlib.suppress(OSError):
    while len(asking) < 1000:
        asking.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        asking[-1].setblocking(False)
        asking[-1].connect(os.environ["RBEE_LAUNCHER"])
