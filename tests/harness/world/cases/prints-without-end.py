"""Prints without end, to stderr."""
# said: printed more than 16 MB: it was killed

import os

while True:
    os.write(2, b"again\n" * 1000)
