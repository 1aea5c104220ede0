"""When the time of a stage stops flowing: conditions given beforehand, met inside the world."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Event = Mapping[str, Any]
STOOD = -1  # the index of no condition: the flow of a stage that was told to stand


def matches(event: Event, pattern: Mapping[str, Any]) -> bool:
    """Whether the event's fields equal the pattern's. A field of the pattern that is an object is compared with the
    members of the event's field, read as JSON."""
    return all(_equals(event.get(field), wanted) for field, wanted in pattern.items())


def _equals(seen: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(seen == wanted)
    try:
        members = json.loads(seen or "null")
    except ValueError:
        return False
    return isinstance(members, dict) and all(members.get(name) == value for name, value in wanted.items())


class Flow:
    """One flow of time, with the conditions that end it (docs/design.md, "What the harness asks of the world").

    Raises ValueError for a condition of no known kind."""

    def __init__(self, conditions: Sequence[Mapping[str, Any]]) -> None:
        self._conditions = conditions
        self._seen = [0] * len(conditions)
        self.met: int | None = None
        for condition in conditions:
            if not condition.keys() & {"exit", "at_us"} and not isinstance(condition.get("event"), dict):
                raise ValueError(f"a flow ends at exit, at_us or event (an object), not at {dict(condition)}")

    def saw(self, event: Event) -> None:
        """Count `event` for every condition that it fulfils."""
        for index, condition in enumerate(self._conditions):
            pattern = {"event": "exited", "pid": condition["exit"]} if "exit" in condition else condition.get("event")
            if pattern is not None and matches(event, pattern):
                self._seen[index] += 1
                if self._seen[index] >= condition.get("count", 1):
                    self.end(index)

    def moments(self) -> list[tuple[int, int]]:
        """The moments at which the flow ends at the latest, with the index of their condition."""
        return [(condition["at_us"], index) for index, condition in enumerate(self._conditions) if "at_us" in condition]

    def end(self, index: int) -> None:
        """Condition number `index` holds, unless another one did before."""
        if self.met is None:
            self.met = index
