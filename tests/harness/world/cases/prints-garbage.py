"""Prints what is no text, and holds its output by a child of its own when it has ended."""

import os

os.write(1, os.urandom(1 << 20))
if os.fork() == 0:
    os.write(2, os.urandom(1 << 20))
