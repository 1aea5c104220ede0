"""How the keeper asks the queen."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mocks.common import clock
from mocks.common.errors import RbeeError
from mocks.keeper import queen as asking
from tests.mocks.keeper.scripted import DONE, Queen, Stream, Text

HEALTH = "http://localhost:8080/health"


@pytest.fixture(autouse=True)
def way(queen: Queen, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.is_dir()
    monkeypatch.delenv("RBEE_CLOCK", raising=False)
    monkeypatch.setenv("HTTP_PROXY", queen.proxy)


@pytest.fixture
def pauses_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(clock, "sleep", taken.append)
    return taken


def streamed(path: str) -> Iterator[dict[str, Any]]:
    with asking.asked("GET", path, failing="Failed", stream=True) as response:
        yield from asking.stream(response)


def answered(text: str, status: int = 200) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = text.encode()
    return response


def test_a_call_that_finds_nobody_is_made_five_times(queen: Queen, pauses_s: list[float]) -> None:
    queen.will("POST /health", None)

    with pytest.raises(RbeeError) as failed, asking.asked("POST", "/health", failing="Failed to ask"):
        pass

    assert (len(queen.asked), pauses_s) == (5, [0.2, 0.4, 0.8, 1.6])
    assert failed.value.message == (
        f"Failed to ask after 5 attempts: error sending request for url ({HEALTH})\n"
        "Suggestion: Check if queen-rbee is running"
    )


def test_a_queen_that_comes_late_is_reached(queen: Queen, pauses_s: list[float]) -> None:
    queen.will("GET /health", None, None, (200, {"status": "ok"}))

    with asking.asked("GET", "/health", failing="Failed") as response:
        told = asking.document(response, "status")

    assert (told, pauses_s) == ({"status": "ok"}, [0.2, 0.4])


def test_a_status_is_an_answer(queen: Queen, pauses_s: list[float]) -> None:
    queen.will("GET /health", (503, {}))

    with asking.asked("GET", "/health", failing="Failed") as response:
        assert response.status_code == 503

    assert (len(queen.asked), pauses_s) == (1, [])


def test_an_answer_that_takes_too_long_is_not_awaited_again(
    pauses_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{silent.getsockname()[1]}")

        with (
            pytest.raises(RbeeError, match=r"^Failed: queen-rbee at \S+ did not answer within 0\.05 s$"),
            asking.asked("GET", "/health", failing="Failed", limit_s=0.05),
        ):
            pass

    assert pauses_s == []


def test_events_up_to_the_end_mark(queen: Queen) -> None:
    queen.will("GET /s", Stream([{"i": 1}, b": keep-alive\n\n", b"data: nonsense\n\n", {"i": 2}, DONE, {"i": 3}]))

    assert list(streamed("/s")) == [{"i": 1}, {"i": 2}]


def test_an_error_event_is_raised_at_the_end_of_the_stream(queen: Queen) -> None:
    error = {"type": "error", "code": "X", "message": "m", "details": {"a": 1}}
    queen.will("GET /s", Stream([error, {"i": 1}, DONE]))
    stream = streamed("/s")

    first = next(stream)

    assert first == {"i": 1}
    with pytest.raises(RbeeError) as failed:
        next(stream)
    assert (failed.value.code, failed.value.details) == ("X", {"a": 1})


@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_without_its_end_mark_is_broken(queen: Queen, whole: bool) -> None:
    queen.will("GET /s", Stream([{"i": 1}], whole=whole))

    with pytest.raises(RbeeError) as failed:
        list(streamed("/s"))

    assert failed.value.code == "STREAM_BROKEN"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[]", "it is no JSON object"), ("oh", "it is no JSON object"), ("{}", "missing field `nodes`")],
)
def test_an_answer_that_cannot_be_read_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(RbeeError) as failed:
        asking.document(answered(text), "nodes")

    assert failed.value.message == f"Failed to parse response from queen-rbee\n\nCaused by:\n    {reason}"


def test_the_error_of_a_refusal_is_its_envelopes() -> None:
    envelope = RbeeError("INVALID_API_KEY", "no", host="h").envelope()

    refusal = asking.refusal(answered(json.dumps(envelope), 401), "Failed")

    assert (refusal.code, refusal.status, refusal.details) == ("INVALID_API_KEY", 401, {"host": "h"})


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (404, "", "Failed: HTTP 404 Not Found"),
        (503, "try later", "Failed: HTTP 503 Service Unavailable - try later"),
        (499, "", "Failed: HTTP 499 <unknown status code>"),
    ],
)
def test_another_refusal_is_its_status_and_text(status: int, text: str, message: str) -> None:
    assert asking.refusal(answered(text, status), "Failed").message == message


def test_plain_text_is_an_answer_like_any_other(queen: Queen) -> None:
    queen.will("GET /t", Text(404, "no such thing"))

    with asking.asked("GET", "/t", failing="Failed") as response:
        assert asking.refusal(response, "Failed").message == "Failed: HTTP 404 Not Found - no such thing"
