"""What a flow waits for, in words."""

from __future__ import annotations

from typing import Any

import pytest

from harness.awaited import in_words, next_due

STATE = {"event": "asked", "path": "/v1/workers/state", "body": {"worker_id": "w", "state": "idle"}}
TOKEN = {"event": "passed", "path": "/v1/inference", "data": {"type": "token"}}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"exit": 7}, "the end of rbee-keeper"),
        ({"exit": 8}, "the end of a program"),
        ({"at_us": 12_500_000}, "12.5 s on the clock"),
        ({"event": STATE}, "a request at /v1/workers/state with worker_id w, state idle"),
        ({"event": TOKEN, "count": 12}, "a part of the answer at /v1/inference with type token, 12 times"),
        ({"event": {"event": "gone", "pid": 7}}, "the end of rbee-keeper"),
    ],
)
def test_a_condition_in_words(condition: dict[str, Any], words: str) -> None:
    assert in_words([condition], {7: "rbee-keeper"}) == words


def test_when_time_would_move_next() -> None:
    assert next_due(1_000_000, [601_000_000]) == "next due: 600 s later"
    assert next_due(1_000_000, []) == "nobody waits for a time"
