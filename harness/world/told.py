"""What has been told of a stage. It is kept, here and where it was told, and so it has an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TOLD_BYTES = 64 << 20  # the most that is told of a stage: a scenario of TEST-001 comes to a hundredth of it
EVENT_BYTES = 1 << 10  # what an event takes beside its text


class Told:
    """The events that a stage has told since `begin`, in order. When more than TOLD_BYTES would have to be told,
    `overrun` is, and `on_overrun` called; what still happens is told no more, but for the ends of programs."""

    def __init__(self, on_overrun: Callable[[], None]) -> None:
        self.events: list[dict[str, Any]] = []
        self._on_overrun = on_overrun
        self.begin(_to_nobody)

    def begin(self, send: Callable[[dict[str, Any]], None]) -> None:
        """From now on tell `send`; nothing has been told before."""
        self._send = send
        self._left_bytes = TOLD_BYTES
        self.events.clear()

    def has_room(self, event: str, fields: Mapping[str, Any]) -> bool:
        """Whether this event is to be told. The first one for which there is no room is an overrun."""
        had_room = self._left_bytes > 0
        self._left_bytes -= EVENT_BYTES + sum(len(value) for value in fields.values() if isinstance(value, str))
        if had_room and self._left_bytes <= 0:
            self._on_overrun()
        return self._left_bytes > 0 or event in ("exited", "overrun")

    def add(self, told: dict[str, Any]) -> None:
        """Tell this event."""
        self.events.append(told)
        self._send(told)


def _to_nobody(event: dict[str, Any]) -> None:
    """No attempt is attached."""
