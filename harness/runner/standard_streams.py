"""The three standard streams, which a program may be started without."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

NAMES = ("stdin", "stdout", "stderr")


def complete() -> None:
    """Put /dev/null in the place of each that is missing: or the next file that is opened would take its number, and
    what is meant for a person would be written into it."""
    for number in range(len(NAMES)):
        with suppress(OSError):
            os.fstat(number)
            continue
        nothing = os.open(os.devnull, os.O_RDWR)
        if nothing != number:
            os.dup2(nothing, number)
            os.close(nothing)
    for number, name in enumerate(NAMES):
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
