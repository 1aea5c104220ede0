"""A worker for a task: which of those that are there, or a new one."""

from __future__ import annotations

from typing import Any

import pytest

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen.hives import hive_of
from mocks.queen.worker import Worker, find, spawn
from tests.mocks.queen.conftest import node, order
from tests.mocks.queen.fakes import MODEL, Service

IDLE = {
    "id": "worker-abc123",
    "url": "http://workstation.home.arpa:8001",
    "model_ref": MODEL,
    "backend": "cuda",
    "device": 1,
    "state": "idle",
    "api_key": "key-1",
}


def found(hive: Service, *entries: dict[str, Any]) -> Worker | None:
    hive.answers["GET /v1/workers/list"] = {"workers": list(entries)}
    with http.session() as session:
        return find(session, hive_of(node(hive.host)), order())


def test_idle_worker_that_fits_is_taken(hive_up: Service) -> None:
    assert found(hive_up, IDLE) == Worker("worker-abc123", "http://workstation.home.arpa:8001", "key-1")


def test_idle_worker_goes_before_a_busy_one(hive_up: Service) -> None:
    worker = found(hive_up, {**IDLE, "id": "busy", "state": "busy"}, IDLE)

    assert worker
    assert worker.id == "worker-abc123"


def test_busy_worker_is_better_than_none(hive_up: Service) -> None:
    worker = found(hive_up, {**IDLE, "state": "busy"})

    assert worker
    assert worker.id == "worker-abc123"


@pytest.mark.parametrize(
    "difference",
    [{"model_ref": "hf:other"}, {"backend": "cpu"}, {"device": 0}, {"state": "loading"}, {"healthy": False}],
)
def test_worker_that_does_not_fit_is_left(hive_up: Service, difference: dict[str, Any]) -> None:
    assert found(hive_up, {**IDLE, **difference}) is None


def test_worker_without_key_needs_none(hive_up: Service) -> None:
    worker = found(hive_up, {name: value for name, value in IDLE.items() if name != "api_key"})

    assert worker
    assert worker.api_key is None


def test_new_worker_gets_what_was_ordered(hive_up: Service) -> None:
    reply = {"worker_id": "w", "url": "http://h:8001", "state": "loading", "api_key": "key-2"}
    hive_up.answers["POST /v1/workers/spawn"] = reply

    with http.session() as session:
        worker = spawn(session, hive_of(node(hive_up.host)), order(), "/models/x.gguf")

    assert worker == Worker("w", "http://h:8001", "key-2")
    assert hive_up.body_of("POST /v1/workers/spawn") == {
        "backend": "cuda",
        "device": 1,
        "model_path": "/models/x.gguf",
        "model_ref": MODEL,
    }


def test_refusal_of_the_hive_is_passed_on(hive_up: Service) -> None:
    details = {"required": 6000, "available": 4000}
    envelope = {"error": {"code": "VRAM_EXHAUSTED", "message": "Insufficient VRAM", "details": details}}
    hive_up.answers["POST /v1/workers/spawn"] = envelope, 507

    with http.session() as session, pytest.raises(RbeeError) as raised:
        spawn(session, hive_of(node(hive_up.host)), order(), "/models/x.gguf")

    assert (raised.value.code, raised.value.details) == ("VRAM_EXHAUSTED", details)
