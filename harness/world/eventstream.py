"""Streams as they pass the network: of events (`text/event-stream`), and of lines (`text/plain`)."""

from __future__ import annotations

import re

# A blank line behind a line. A line may end with CRLF; a lone CR, which nobody sends, does not end one.
_END_OF_EVENT = re.compile(rb"\n\r?\n")
EVENT_BYTES = 64 * 1024
LONGEST_END_BYTES = 3
_END_OF_LINE = re.compile(r"\r?\n")


class EventSplitter:
    """Finds the whole events in a stream that arrives in pieces. Of one that is longer than EVENT_BYTES nothing is kept
    but that there was one."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_long = False

    def feed(self, piece: bytes) -> list[str | None]:
        """The events that `piece` completes, in order: the text of each one's data lines, without `data:`; None for an
        event that has none, such as a comment, and for one that is too long. Blank lines between events are no
        events."""
        known = len(self._rest)
        self._rest += piece
        events, begin = [], 0
        while end := _END_OF_EVENT.search(self._rest, max(begin, known - 2)):
            is_long = self._is_long or end.end() - begin > EVENT_BYTES
            lines = [] if is_long else _END_OF_LINE.split(self._rest[begin : end.end()].decode(errors="replace"))
            begin, self._is_long = end.end(), False
            if is_long or any(lines):
                events.append(_data(lines))
        self._rest = self._rest[begin:]
        if len(self._rest) > EVENT_BYTES:
            self._rest, self._is_long = self._rest[-LONGEST_END_BYTES:], True
        return events


class LineSplitter:
    """Finds the whole lines in a text that arrives in pieces. Of one that is longer than EVENT_BYTES the rest is left
    out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """The lines that `piece` completes, in order, without their ends."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:EVENT_BYTES]
        return [line[:EVENT_BYTES].removesuffix(b"\r").decode(errors="replace") for line in lines]


def _data(lines: list[str]) -> str | None:
    values = [line.removeprefix("data:").removeprefix(" ") for line in lines if line.startswith("data:")]
    return "\n".join(values) if values else None
