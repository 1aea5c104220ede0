"""Has children whose names are garbage, cut in the middle of a character."""

import ctypes
import os
import time

for name in (b") R 1 (", b"\xf0\x9f\xa6\x80" * 3 + b"\xf0\x9f", b"a\nb (c) ) Z", b""):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
        time.sleep(1)
        os._exit(0)
os.wait()
