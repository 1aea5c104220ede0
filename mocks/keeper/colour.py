"""Colours of what the keeper prints (docs/contract.md, section 1.2, "Terminal")."""

from __future__ import annotations

import os
from typing import TextIO

BOLD = "1"
RED = "31"
GREEN = "32"
YELLOW = "33"
CYAN = "36"
HEADING = "1;36"


def paint(text: str, colour: str, stream: TextIO) -> str:
    """`text` in a colour, if `stream` shows colours: on a terminal without NO_COLOR, or with CLICOLOR_FORCE."""
    return f"\033[{colour}m{text}\033[0m" if _shown(stream) else text


def _shown(stream: TextIO) -> bool:
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return "NO_COLOR" not in os.environ and stream.isatty()
