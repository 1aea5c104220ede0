"""Asking hives and workers: what a good answer is, and what each bad one becomes."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen import asking
from tests.mocks.queen.conftest import LIMIT_S, Hands
from tests.mocks.queen.fakes import Service, fresh_host, stream


def ask(service: Service, answer: Any, **options: Any) -> dict[str, Any]:
    service.answers["GET /x"] = answer
    with http.session() as session:
        return asking.ask(session, "GET", f"http://{service.host}:9200/x", purpose="Asking", limit_s=5, **options)


def watch(service: Service, answer: Any, silence_s: float = 5) -> list[dict[str, Any]]:
    service.answers["GET /x"] = answer
    with http.session() as session:
        url = f"http://{service.host}:9200/x"
        with asking.watched(session, url, purpose="Watching", silence_s=silence_s) as response:
            return list(asking.read(response))


def test_good_answer_is_its_object(hive_up: Service) -> None:
    assert ask(hive_up, {"a": 1}, needs=("a",)) == {"a": 1}


@pytest.mark.parametrize("answer", [{"b": 1}, "text", [[1]], {}])
def test_answer_without_what_is_needed_is_an_error(hive_up: Service, answer: Any) -> None:
    with pytest.raises(RbeeError, match=r"^Asking parse error: error decoding response body$"):
        ask(hive_up, answer, needs=("a",))


def test_envelope_becomes_its_error(hive_up: Service) -> None:
    envelope = {"error": {"code": "VRAM_EXHAUSTED", "message": "m", "details": {"required": 6000}}}

    with pytest.raises(RbeeError) as raised:
        ask(hive_up, (envelope, 507))

    assert (raised.value.code, raised.value.status, raised.value.details) == ("VRAM_EXHAUSTED", 507, {"required": 6000})


def test_other_failure_becomes_status_and_text(hive_up: Service) -> None:
    with pytest.raises(RbeeError, match=r"^Asking failed: HTTP 422 Unprocessable Entity: missing field$"):
        ask(hive_up, ("missing field", 422))


def test_unknown_status_is_named(hive_up: Service) -> None:
    with pytest.raises(RbeeError, match=r"^Asking failed: HTTP 499 <unknown status code>$"):
        ask(hive_up, ("", 499))


def test_nobody_there_is_an_error() -> None:
    url = f"http://{fresh_host()}:9200/x"

    with http.session() as session, pytest.raises(RbeeError) as raised:
        asking.ask(session, "GET", url, purpose="Asking", limit_s=5)

    assert (raised.value.code, raised.value.status) == ("HIVE_UNREACHABLE", 503)
    assert raised.value.message == f"Asking request failed: error sending request for url ({url})"


def test_stream_gives_its_events_up_to_the_end_mark(hive_up: Service) -> None:
    assert watch(hive_up, lambda: stream({"n": 1}, {"n": 2})) == [{"n": 1}, {"n": 2}]


def test_stream_without_end_mark_is_broken(hive_up: Service) -> None:
    with pytest.raises(asking.StreamError):
        watch(hive_up, lambda: stream({"n": 1}, done=False))


@pytest.mark.parametrize("payload", ["", "{]", "7", "[" * 10_000, "9" * 5000])
def test_unreadable_stream_is_broken(hive_up: Service, payload: str) -> None:
    with pytest.raises(asking.StreamError):
        watch(hive_up, f"data: {payload}\n\ndata: [DONE]\n\n" if payload else "")


def test_stream_of_nobody_is_broken() -> None:
    url = f"http://{fresh_host()}:9200/x"

    with (
        http.session() as session,
        pytest.raises(asking.StreamError, match=r"error sending request"),
        asking.watched(session, url, purpose="Watching", silence_s=5),
    ):
        pass


def test_refused_stream_is_an_error(hive_up: Service) -> None:
    with pytest.raises(RbeeError, match=r"^Watching failed: HTTP 503 Service Unavailable: Model not loading$"):
        watch(hive_up, ("Model not loading", 503))


def test_stream_that_takes_too_long_is_broken_off(hive_up: Service) -> None:
    broken = threading.Event()
    hive_up.answers["GET /x"] = lambda: stream({"n": 1}, lambda: broken.wait(LIMIT_S))
    told: list[Any] = []

    with (
        http.session() as session,
        asking.watched(session, f"http://{hive_up.host}:9200/x", purpose="Watching", silence_s=LIMIT_S) as response,
        asking.broken_off(response, after_s=0.2),
        pytest.raises(asking.StreamError),
    ):
        told.extend(asking.read(response))
    broken.set()

    assert told == [{"n": 1}]


def test_stream_that_ends_in_time_is_not_broken_off(hive_up: Service) -> None:
    hive_up.answers["GET /x"] = lambda: stream({"n": 1})

    with (
        http.session() as session,
        asking.watched(session, f"http://{hive_up.host}:9200/x", purpose="Watching", silence_s=LIMIT_S) as response,
        asking.broken_off(response, after_s=LIMIT_S),
    ):
        assert list(asking.read(response)) == [{"n": 1}]


def test_deadline_is_shared_by_several_waits(hands: Hands) -> None:
    deadline = asking.Deadline(10)

    hands.sleep(4)

    assert deadline.left_s() == 6
    assert deadline.left_s(5) == 5


def test_deadline_that_has_passed_leaves_nothing(hands: Hands) -> None:
    deadline = asking.Deadline(10)
    hands.sleep(10)

    with pytest.raises(TimeoutError):
        deadline.left_s()
