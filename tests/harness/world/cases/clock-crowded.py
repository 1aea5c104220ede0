"""Opens more lines to the clock than there are, and says something on them that no program says."""

import contextlib
import os
import socket

lines: list[socket.socket] = []
with contextlib.suppress(OSError):
    while len(lines) < 3000:
        lines.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        lines[-1].setblocking(False)
        lines[-1].connect(os.environ["RBEE_CLOCK"])
for line in lines[::2]:
    with contextlib.suppress(OSError):
        line.send(b"hello")
