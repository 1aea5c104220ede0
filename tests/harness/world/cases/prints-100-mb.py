"""Prints 100 MB."""
# said: printed more than 16 MB: it was killed

import os

for _ in range(100):
    os.write(1, b"x" * ((1 << 20) - 1) + b"\n")
