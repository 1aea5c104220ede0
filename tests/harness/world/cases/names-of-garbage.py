"""Has children whose names are garbage, cut in the middle of a character."""

import ctypes
import os
import subprocess

reading, writing = os.pipe()
for name in (b") R 1 (", b"\xf0\x9f\xa6\x80" * 3 + b"\xf0\x9f", b"a\nb (c) ) Z", b""):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
        os.close(writing)
        os.read(reading, 1)  # until the parent has ended
        os._exit(0)
subprocess.run(["sleep", "0.5"], check=True)
