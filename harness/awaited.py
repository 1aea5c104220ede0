"""What a flow of time waits for, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def in_words(conditions: Sequence[Mapping[str, Any]], programs: Mapping[int, str]) -> str:
    """The conditions of a flow for people. `programs`: pid → name."""
    return " or ".join(_one(condition, programs) for condition in conditions) or "nothing"


def _one(condition: Mapping[str, Any], programs: Mapping[int, str]) -> str:
    if "exit" in condition:
        return f"the end of {programs.get(condition['exit'], 'a program')}"
    if "at_us" in condition:
        return f"{condition['at_us'] / 1e6:g} s on the clock"
    event = dict(condition["event"])
    kind, path, details = event.pop("event", "an event"), event.pop("path", ""), event
    if kind == "gone":
        return f"the end of {programs.get(event.get('pid', 0), 'a process')}"
    told = details.get("data") or details.get("body") or details
    words = ", ".join(f"{name} {value}" for name, value in told.items()) if isinstance(told, Mapping) else str(told)
    times = f", {condition['count']} times" if condition.get("count", 1) > 1 else ""
    what: str = {"asked": "a request", "passed": "a part of the answer", "answered": "an answer"}.get(kind, str(kind))
    return " ".join([what, *([f"at {path}"] if path else []), *([f"with {words}"] if words else [])]) + times


def next_due(now_us: int, waits_us: Sequence[int]) -> str:
    """When the clock would move next."""
    return f"next due: {(waits_us[0] - now_us) / 1e6:g} s later" if waits_us else "nobody waits for a time"
