"""Waits on the clock again and again, and never reads that a wait is due."""

import mmap
import os
import socket
import struct
import time

clock = os.environ["RBEE_CLOCK"]
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect(clock)
[number] = struct.unpack("=q", line.recv(8))
with open(f"{clock.removesuffix('.sock')}.page", "r+b") as file:
    page = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
for _ in range(600):
    page[4 * number] = page[0]
    time.sleep(0.002)
