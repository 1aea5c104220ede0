"""Lists as sentences write them: `100, 200 and 400`."""

from __future__ import annotations

import re


def entries(text: str) -> list[str]:
    """The entries of such a list."""
    return re.split(r", | and ", text)


def figures(text: str) -> list[int]:
    """The whole numbers of such a list. Raises ValueError for anything else."""
    if not all(entry.isdecimal() for entry in entries(text)):
        raise ValueError(f"{text!r} is no list of whole numbers (100, 200 and 400)")
    return [int(entry) for entry in entries(text)]
