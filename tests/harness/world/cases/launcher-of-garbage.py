"""Asks for forks in words that nobody understands, with files and without, and for what is no program."""

import os
import socket

os.mkfifo("pipe", 0o700)
here = os.fsencode(os.getcwd())
REQUESTS = (
    b"garbage",
    b"\0",
    b"9\0rbee-hive",
    b"1\0rbee-hive",
    b"-3\0a\0b\0c",
    b"\xff\0\xfe\0\xfd",
    b"0\0/",
    b"1\0pipe\0" + here,
    b"1\0/dev/zero\0/",
    b"1\0" + here + b"/../bin/rbee-hive\0/\0=without a name",
    os.urandom(100_000),
)
for request in REQUESTS:
    for files in ([], [0], [0, 1, 2], [0] * 9):
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked.connect(os.environ["RBEE_LAUNCHER"])
        socket.send_fds(asked, [request], files)
        asked.recv(64)
