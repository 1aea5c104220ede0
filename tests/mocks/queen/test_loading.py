"""Waiting for a worker: polls, progress, and the ways in which it never gets ready."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen import loading
from mocks.queen.hives import hive_of
from mocks.queen.task import Task
from mocks.queen.worker import Worker
from tests.mocks.queen.conftest import LIMIT_S, Hands, node
from tests.mocks.queen.fakes import Service, served, stream, swallowing

READY = {"ready": True, "state": "idle", "model_loaded": True}
LOADING = {"ready": False, "state": "loading", "progress_url": "/v1/loading/progress"}
LAYERS = {"stage": "loading_to_vram", "layers_loaded": 28, "layers_total": 32, "vram_mb": 4}
PROGRESS = "GET /v1/loading/progress"


def wait(hive: Service, task: Task) -> None:
    worker = Worker("worker-abc123", f"http://{hive.host}:8001", "key-1")
    with http.session() as session:
        loading.await_ready(session, hive_of(node(hive.host)), task, worker)


def answers(*told: Any) -> Any:
    """One answer after the other; the last one for ever."""
    rest = list(told)
    return lambda: rest.pop(0) if len(rest) > 1 else rest[0]


def told(hive: Service, task: Task) -> list[Any]:
    return list(task.run(lambda task: wait(hive, task)))


def test_ready_worker_is_asked_once_with_its_key(hive_up: Service, worker_up: Service, task: Task) -> None:
    worker_up.answers["GET /v1/ready"] = READY

    wait(hive_up, task)

    assert (worker_up.asked, worker_up.keys) == (["GET /v1/ready"], ["Bearer key-1"])


@pytest.mark.parametrize("base", ["", "http://{host}:8001"])
def test_loading_is_told_to_its_end(hive_up: Service, worker_up: Service, task: Task, base: str, hands: Hands) -> None:
    url = base.format(host=worker_up.host) + "/v1/loading/progress"
    worker_up.answers["GET /v1/ready"] = answers({**LOADING, "progress_url": url}, READY)
    worker_up.answers[PROGRESS] = lambda: stream(LAYERS, {"stage": "ready"})

    events = told(hive_up, task)

    assert events == [{"type": "progress", **LAYERS}, {"type": "progress", "stage": "ready"}]
    assert worker_up.asked == ["GET /v1/ready", PROGRESS, "GET /v1/ready"]
    assert hands.pauses_s == []


@pytest.mark.parametrize(
    "progress", [("Model not loading", 503), lambda: stream(LAYERS, done=False), ("", 404)], ids=["503", "cut", "404"]
)
def test_worker_is_asked_again_after_two_seconds_when_its_stream_ends_early(
    hive_up: Service, worker_up: Service, task: Task, progress: Any, hands: Hands
) -> None:
    worker_up.answers["GET /v1/ready"] = answers(LOADING, READY)
    worker_up.answers[PROGRESS] = progress

    wait(hive_up, task)

    assert hands.pauses_s == [2]


@pytest.mark.parametrize("answer", [("busy", 503), "no JSON", {"ready": "no", "state": 1} | {"ready": False}])
def test_bad_answer_means_not_yet(hive_up: Service, worker_up: Service, task: Task, answer: Any, hands: Hands) -> None:
    worker_up.answers["GET /v1/ready"] = answers(answer, READY)

    wait(hive_up, task)

    assert hands.pauses_s == [2]


def test_worker_that_loads_for_five_minutes_is_given_up(
    hive_up: Service, worker_up: Service, task: Task, hands: Hands
) -> None:
    worker_up.answers["GET /v1/ready"] = LOADING
    worker_up.answers[PROGRESS] = answers(stream(LAYERS, done=False), ("", 503))

    with pytest.raises(RbeeError, match=r"^Model loading timeout after 5 minutes$") as raised:
        wait(hive_up, task)

    assert raised.value.code == "LOADING_TIMEOUT"
    assert raised.value.details == {
        "node": "workstation",
        "worker_id": "worker-abc123",
        "state": "loading",
        "layers_loaded": 28,
        "layers_total": 32,
    }
    assert sum(hands.pauses_s) == 300


def test_silent_worker_is_waited_for_within_the_same_limit(
    hive_up: Service, task: Task, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "READY_LIMIT_S", 0.05)
    monkeypatch.setattr(loading, "LOADING_LIMIT_S", 3)

    with swallowing(hive_up.host, 8001), pytest.raises(RbeeError) as raised:
        wait(hive_up, task)

    assert raised.value.code == "LOADING_TIMEOUT"
    assert (hive_up.asked, hands.pauses_s) == ([], [2, 1])


def test_silent_stream_is_watched_to_the_limit(
    hive_up: Service, worker_up: Service, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LOADING_LIMIT_S", 0.3)
    over = threading.Event()
    worker_up.answers["GET /v1/ready"] = LOADING
    worker_up.answers[PROGRESS] = lambda: stream(LAYERS, lambda: over.wait(LIMIT_S))

    with pytest.raises(RbeeError) as raised:
        wait(hive_up, task)
    over.set()

    assert (raised.value.code, raised.value.details["layers_loaded"]) == ("LOADING_TIMEOUT", 28)
    assert worker_up.asked == ["GET /v1/ready", PROGRESS]


def test_worker_that_is_gone_from_the_list_has_crashed(hive_up: Service, task: Task, hands: Hands) -> None:
    with pytest.raises(RbeeError) as raised:
        wait(hive_up, task)

    assert raised.value.code == "WORKER_CRASHED"
    assert raised.value.details == {"node": "workstation", "worker_id": "worker-abc123"}
    assert hands.pauses_s == []


@pytest.fixture
def late_worker(hive_up: Service) -> Iterator[Service]:
    """A worker that listens only after the hive was asked whether it still has it."""
    made = Service(hive_up.host)
    made.answers["GET /v1/ready"] = READY
    with ExitStack() as stack:

        def list_workers() -> dict[str, Any]:
            stack.enter_context(served(made.app, made.host, 8001))
            return {"workers": [{"id": "worker-abc123"}]}

        hive_up.answers["GET /v1/workers/list"] = list_workers
        yield made


def test_worker_that_does_not_listen_yet_is_waited_for(
    hive_up: Service, late_worker: Service, task: Task, hands: Hands
) -> None:
    wait(hive_up, task)

    assert late_worker.asked == ["GET /v1/ready"]
    assert hands.pauses_s == [2]


def test_refused_key_is_told_at_once(hive_up: Service, worker_up: Service, task: Task, hands: Hands) -> None:
    worker_up.answers["GET /v1/ready"] = {"error": {"code": "INVALID_API_KEY", "message": "m"}}, 401

    with pytest.raises(RbeeError) as raised:
        wait(hive_up, task)

    assert (raised.value.code, hands.pauses_s) == ("INVALID_API_KEY", [])
