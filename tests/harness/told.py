"""Evidence of a stage that there never was, put together from what its world would have told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import fixtures
from harness.evidence import Evidence
from harness.evidence.exchanges import ROLES
from harness.place import Place

Event = dict[str, Any]

_numbers = itertools.count(1)


def evidence(
    *events: Mapping[str, Any],
    nodes: Sequence[str] = (),
    directory: Path = Path("/nowhere"),
    mark: str = "",
    own: Sequence[str] = (),
) -> Evidence:
    """Evidence of these events on these nodes, which waits for nothing more. Exchanges are numbered in their order. The
    nodes' files lie in `directory`; processes with `mark` are the stage's; the programs `own`
    are the user's."""
    numbers: dict[int, int] = {}
    for event in events:
        if "exchange" in event:
            numbers.setdefault(event["exchange"], len(numbers) + 1)
    return Evidence(
        events=[{**event, "exchange": numbers.get(event.get("exchange", 0))} for event in events],
        places={name: Place(name, f"{name}.home.arpa", "127.0.0.1", directory) for name in nodes},
        control="blep",
        mark=mark,
        epoch_us=0,
        real=False,
        pump=lambda _: False,
        wait_s=0,
        own=own,
    )


def later(by_us: int, events: list[Event]) -> list[Event]:
    """These events, so many microseconds later."""
    return [{**event, "at_us": event["at_us"] + by_us} for event in events]


def keeper(*stdout: tuple[int, str]) -> list[Event]:
    """A run of the keeper that printed these pieces, each at its time in microseconds, and ended with 0."""
    who = {"program": "rbee-keeper", "node": "blep", "pid": 7}
    printed = [{"event": "output", **who, "at_us": at_us, "stream": "stdout", "text": text} for at_us, text in stdout]
    last_us = stdout[-1][0] if stdout else 0
    started = {"event": "started", **who, "at_us": 0, "argv": ["rbee-keeper", "infer"]}
    return [started, *printed, {"event": "exited", **who, "at_us": last_us, "code": 0}]


def exchange(
    role: str,
    request: str,
    answer: Any = None,
    *,
    status: int = 200,
    asker: str = "blep",
    node: str = "workstation",
    sent: Any = None,
    stream: tuple[Any, ...] = (),
    took_us: int = 0,
) -> list[Event]:
    """A request (method and path) and its answer: as JSON, or as a stream of these events and the end mark."""
    method, path = request.split()
    number = next(_numbers)
    where = {"exchange": number, "port": ROLES[role].start, "path": path}
    host = {"asker": asker, "host": f"{node}.home.arpa", "node": node, "method": method, "headers": {}}
    data = [*map(json.dumps, stream), "[DONE]"] if stream else []
    return [
        {"event": "asked", "at_us": 0, **where, **host, "body": json.dumps(sent)},
        {"event": "answered", "at_us": 0, **where, "status": status, "headers": {}},
        *({"event": "passed", "at_us": 0, **where, "data": one} for one in data),
        {"event": "ended", "at_us": took_us, **where, "how": "complete", "body": json.dumps(answer), "size": 0},
    ]


def task(*stream: Any, prompt: str = fixtures.PROMPT, took_us: int = 0) -> list[Event]:
    """A task that the keeper gave the queen, with the events of its stream."""
    sent = {"prompt": prompt}
    events = ({"type": "accepted"}, *stream)
    return exchange("queen", "POST /v2/tasks", node="blep", sent=sent, stream=events, took_us=took_us)
