"""The hive's routes."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from mocks.hive import logs
from mocks.hive.workers import Workers
from tests.mocks.hive.conftest import Machine, exit_code, order

MODEL = "hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"
CONTENT = b"GGUF" * 1000


def listed(hive: FlaskClient) -> list[dict[str, Any]]:
    answer = hive.get("/v1/workers/list").get_json()
    workers: list[dict[str, Any]] = answer["workers"]
    return workers


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health(path: str, hive: FlaskClient) -> None:
    assert hive.get(path).get_json() == {"status": "alive", "version": "0.1.0", "api_version": "v1"}


def test_version_is_the_node_s(hive: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_VERSION", "0.2.0")

    assert hive.get("/v1/health").get_json()["version"] == "0.2.0"


def test_fresh_hive_has_no_workers(hive: FlaskClient) -> None:
    assert hive.get("/v1/workers/list").get_json() == {"workers": []}


CALLBACK = {"worker_id": "worker-abc123", "url": "http://w:8001", "model_ref": MODEL, "backend": "cpu", "device": 0}


@pytest.mark.parametrize(
    "report",
    [
        {**CALLBACK, "uri": "http://w:8001", "vram_bytes": 7},
        {"worker_id": "worker-abc123", "uri": "http://localhost:8001", "vram_bytes": 7},
    ],
)
def test_callback_of_either_shape(report: dict[str, Any], hive: FlaskClient, workers: Workers) -> None:
    worker = workers.spawn(order())

    answer = hive.post("/v1/workers/ready", json=report)

    assert answer.get_json() == {"message": "Worker registered as ready"}
    assert (worker.vram_bytes, worker.state) == (7, "loading")


def test_callback_without_memory_is_rbee_s_own_shape(hive: FlaskClient) -> None:
    assert hive.post("/v1/workers/ready", json=CALLBACK).status_code == 200


@pytest.mark.parametrize("missing", ["worker_id", "url", "model_ref", "backend", "device"])
def test_callback_misses_what_it_needs(missing: str, hive: FlaskClient) -> None:
    answer = hive.post("/v1/workers/ready", json={k: v for k, v in CALLBACK.items() if k != missing})

    assert answer.status_code == 422
    assert f"missing field `{missing}`" in answer.text


def test_worker_tells_its_state(hive: FlaskClient, workers: Workers) -> None:
    workers.spawn(order())

    answer = hive.post("/v1/workers/state", json={"worker_id": "worker-abc123", "state": "idle", "slots_available": 1})

    assert answer.status_code == 200
    (entry,) = listed(hive)
    assert (entry["state"], entry["slots_available"]) == ("idle", 1)


@pytest.mark.parametrize(
    ("worker_id", "state", "status"), [("worker-abc123", "sleepy", 422), ("somebody", "idle", 404)]
)
def test_state_that_is_none(worker_id: str, state: str, status: int, hive: FlaskClient, workers: Workers) -> None:
    worker = workers.spawn(order())

    answer = hive.post("/v1/workers/state", json={"worker_id": worker_id, "state": state, "slots_available": 1})

    assert answer.status_code == status
    assert worker.state == "loading"


def test_worker_that_ended_is_not_listed(hive: FlaskClient, workers: Workers) -> None:
    worker = workers.spawn(order())
    worker.kill()

    assert exit_code(worker) == -9

    assert listed(hive) == []


def test_last_log_lines(hive: FlaskClient) -> None:
    logs.info("a line of the log")

    answer = hive.get("/v1/logs")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("INFO rbee-hive: a line of the log\n")


def followed(hive: FlaskClient, asker: socket.socket) -> Iterator[bytes]:
    """What the hive logs from now on."""
    mark = str(uuid.uuid4())
    logs.info(mark)
    answer = hive.get("/v1/logs?follow=true", buffered=False, environ_overrides={"werkzeug.socket": asker})
    pieces = answer.iter_encoded()
    while not next(pieces).endswith(f"{mark}\n".encode()):
        pass
    return pieces


def test_new_log_lines_as_they_are_written(hive: FlaskClient) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pieces = followed(hive, theirs)

        logs.narrate("http-server", "after")

        assert next(pieces) == b"[http-server] after\n"


def test_a_log_is_not_followed_for_who_hung_up(hive: FlaskClient) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        pieces = followed(hive, theirs)

        ours.close()

        assert list(pieces) == []


def test_follow_is_true_or_false(hive: FlaskClient) -> None:
    assert hive.get("/v1/logs?follow=maybe").status_code == 400


@pytest.fixture
def guarded(hive: FlaskClient, machine: Machine) -> FlaskClient:
    """A hive whose node has an API key."""
    (machine.home / ".rbee" / "config.yaml").write_text("api_key: secret\n")
    return hive


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "MISSING_API_KEY"),
        ({"Authorization": "Bearer wrong_key"}, 401, "INVALID_API_KEY"),
        ({"Authorization": "Bearer secret"}, 200, None),
    ],
)
def test_callers_of_a_guarded_hive(
    headers: dict[str, str], status: int, code: str | None, guarded: FlaskClient
) -> None:
    answer = guarded.get("/v1/workers/list", headers=headers)

    assert answer.status_code == status
    assert answer.get_json().get("error", {}).get("code") == code


def test_workers_of_a_guarded_hive_report_with_their_own_key(guarded: FlaskClient, workers: Workers) -> None:
    worker = workers.spawn(order())
    own = {"Authorization": f"Bearer {worker.api_key}"}
    state = {"worker_id": worker.id, "state": "idle", "slots_available": 1}

    assert guarded.post("/v1/workers/state", json=state, headers=own).status_code == 200
    assert guarded.post("/v1/workers/ready", json=CALLBACK, headers=own).status_code == 200
    assert guarded.get("/v1/workers/list", headers=own).status_code == 401
