"""What this hive says: to its stdout, and to who asks for its log (docs/contract.md, section 9 row 4)."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from mocks.common import log
from mocks.common.feed import Feed

PROGRAM = "rbee-hive"

_lines: Feed[str] = Feed(keep=1000)


def info(text: str) -> None:
    """Log `text` as something that the hive did or saw."""
    _lines.add(log.line("INFO", PROGRAM, text))
    log.info(PROGRAM, text)


def warn(text: str) -> None:
    """Log `text` as something that somebody should look at."""
    _lines.add(log.line("WARN", PROGRAM, text))
    log.warn(PROGRAM, text)


def narrate(actor: str, text: str) -> None:
    """Tell the user, by way of the queen: `[actor] text`."""
    _lines.add(log.narration(actor, text))
    log.narrate(actor, text)


def last() -> list[str]:
    """The last lines, at most 1000, oldest first."""
    return _lines.items()


def follow(asker: socket.socket) -> Iterator[str]:
    """The last lines, and then each line as it is written, until the asker hangs up."""
    return _lines.follow(asker=asker)
