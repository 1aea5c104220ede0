"""What the world tells of one worker: its start, what it is asked and tells, what its hive lists and logs."""

from __future__ import annotations

from typing import Any

from tests.harness import told

ID = "worker-abc123"
NODE = "workstation"
STARTED = {"worker_id": ID, "url": "http://workstation.home.arpa:8001", "api_key": "key-1", "device": 1}


def start(worker_id: str = ID, **answer: Any) -> list[told.Event]:
    """The request with which the operator had the hive start it."""
    return told.exchange(
        "hive", "POST /v1/workers/spawn", {**STARTED, "worker_id": worker_id, **answer}, asker="operator"
    )


def asked(request: str, at_us: int, *, asker: str = NODE) -> list[told.Event]:
    """A request that it answered at once."""
    return told.later(at_us, told.exchange("worker", request, {}, asker=asker))


def unanswered(request: str, at_us: int, *, given_up_us: int) -> list[told.Event]:
    """A request that it left unanswered until its hive gave it up."""
    events = told.exchange("worker", request, asker=NODE, took_us=given_up_us)
    ended = {**events[-1], "how": "left", "body": None}
    return told.later(at_us, [events[0], ended])


def state(state: str, at_us: int) -> list[told.Event]:
    """What it told its hive of its state."""
    sent = {"worker_id": ID, "state": state}
    return told.later(at_us, told.exchange("hive", "POST /v1/workers/state", {}, asker=NODE, sent=sent))


def listed(*workers: dict[str, Any], asker: str = "operator") -> list[told.Event]:
    """The workers that its hive listed when it was asked."""
    return told.exchange("hive", "GET /v1/workers/list", {"workers": list(workers)}, asker=asker)


def logged(text: str, at_us: int) -> told.Event:
    """A line that was logged on its node."""
    line = f"2024-10-09T21:16:43.000000Z  INFO {text}\n"
    return {"event": "output", "program": "rbee-hive", "node": NODE, "pid": 9, "at_us": at_us} | {
        "stream": "stdout",
        "text": line,
    }
