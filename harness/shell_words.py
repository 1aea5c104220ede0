"""Command lines as a shell reads them."""

from __future__ import annotations

import shlex
from pathlib import Path


def split(command_line: str, home: Path) -> list[str]:
    """The words of a command line, as a shell splits them; a leading `~/` outside quotes stands for `home`.

    A backslash at a line's end joins it with the next. Raises ValueError for an open quote."""
    words = shlex.split(command_line.replace("\\\n", " "), posix=False)
    return [f"{home}/{word[2:]}" if word.startswith("~/") else "".join(shlex.split(word)) for word in words]
