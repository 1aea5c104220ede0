"""The worker's routes, in one process with a test: states, streams, refusals, and what the hive hears meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from mocks.worker import app, model
from mocks.worker.worker import Settings, Worker
from tests.mocks.worker.hand_clock import HandClock
from tests.mocks.worker.hive_fake import HiveFake

Build = Callable[..., FlaskClient]
ASKED = {"job_id": "job-1", "prompt": "write a short story", "max_tokens": 3}
UUID = "0a1b2c3d-0000-1111-2222-333344445555"


@pytest.fixture
def build(model_path: Path, hive: HiveFake) -> Build:
    """Builds a worker that has not begun to load, and its client."""

    def build(api_key: str | None = None) -> FlaskClient:
        settings = Settings("worker-abc123", model_path, 8001, hive.callback_url, "cuda", 1, api_key)
        worker = Worker(settings, model.find(model_path))
        client = app.build(worker).test_client()
        client.application.extensions["worker"] = worker
        return client

    return build


@pytest.fixture
def started(build: Build, hand_clock: HandClock) -> Iterator[FlaskClient]:
    """A worker that begins to load, on a clock that stands."""
    client = build()
    worker_of(client).start()
    yield client
    hand_clock.flow()
    list(worker_of(client).loading.follow())


@pytest.fixture
def loading(started: FlaskClient, hive: HiveFake) -> FlaskClient:
    """A worker that has made its callback."""
    hive.next()
    return started


@pytest.fixture
def idle(loading: FlaskClient, hive: HiveFake, hand_clock: HandClock) -> FlaskClient:
    """A worker that has loaded its model; no clock holds it up any more."""
    hand_clock.flow()
    assert hive.states(1) == [("idle", 1)]
    return loading


def worker_of(client: FlaskClient) -> Worker:
    worker = client.application.extensions["worker"]
    assert isinstance(worker, Worker)
    return worker


def events(response: TestResponse) -> list[Any]:
    """The events of a stream to its end, `[DONE]` as None."""
    with response:
        assert response.status_code == 200
        *blocks, rest = response.get_data(as_text=True).split("\n\n")
    assert rest == ""
    payloads = [block.removeprefix("data: ") for block in blocks]
    return [None if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def pieces(response: Response) -> Iterator[str]:
    """The pieces of a stream, as they come."""
    return (piece.decode() for piece in response.iter_encoded())


def read_until(stream: Iterator[str], text: str) -> None:
    assert any(text in piece for piece in stream), f"the stream ended before {text}"


@pytest.mark.usefixtures("started")
def test_the_hive_hears_the_union_of_both_callbacks(hive: HiveFake, model_path: Path) -> None:
    assert hive.next().body == {
        "worker_id": "worker-abc123",
        "url": "http://workstation.home.arpa:8001",
        "uri": "http://workstation.home.arpa:8001",
        "model_ref": str(model_path),
        "backend": "cuda",
        "device": 1,
        "vram_bytes": 5_242_880,
    }


def test_a_loading_worker_says_where_to_watch(loading: FlaskClient) -> None:
    assert loading.get("/v1/ready").json == {
        "ready": False,
        "state": "loading",
        "progress_url": "http://workstation.home.arpa:8001/v1/loading/progress",
    }


def test_loading_is_streamed_to_its_end(loading: FlaskClient, hand_clock: HandClock) -> None:
    hand_clock.move(0.4)
    response = loading.get("/v1/loading/progress")
    hand_clock.flow()

    told = events(response)

    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert [event["layers_loaded"] for event in told[:-2]] == [4, 8, 12, 16, 20, 24, 28, 32]
    assert told[-2:] == [{"stage": "ready"}, None]


def test_who_saw_the_end_of_loading_finds_the_worker_ready(loading: FlaskClient, hand_clock: HandClock) -> None:
    hand_clock.move(0.4)
    with loading.get("/v1/loading/progress") as response:
        hand_clock.flow()
        read_until(pieces(response), '"stage":"ready"')

        assert loading.get("/v1/ready").json == {"ready": True, "state": "idle", "model_loaded": True}


def test_a_loaded_worker_has_no_loading_to_show(idle: FlaskClient) -> None:
    response = idle.get("/v1/loading/progress")

    assert (response.status_code, response.text) == (503, "Model not loading")


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_tells_the_memory_in_use(idle: FlaskClient, path: str) -> None:
    assert idle.get(path).json == {"status": "healthy", "vram_bytes": 5_242_880}


def test_a_worker_that_loads_takes_no_inference(loading: FlaskClient) -> None:
    response = loading.post("/v1/inference", json=ASKED)

    assert response.status_code == 503
    assert response.json == {
        "error": {
            "code": "WORKER_NOT_READY",
            "message": "Worker is loading",
            "details": {"worker_id": "worker-abc123", "state": "loading", "progress": 0},
        }
    }


def test_an_inference_is_streamed_to_its_end(idle: FlaskClient) -> None:
    told = events(idle.post("/v1/inference", json=ASKED))

    assert told[0] | {"correlation_id": ""} == {
        "type": "narration",
        "actor": "http-server",
        "action": "execute_request",
        "target": "job-1",
        "human": "Inference request validated for job job-1",
        "cute": "Job job-1 looks good, let's go! ✅",
        "correlation_id": "",
        "job_id": "job-1",
    }
    assert [event["t"] for event in told if event and event["type"] == "token"] == ["write", " a", " short"]
    assert told[-2]["type"] == "end"
    assert told[-1] is None


def test_each_event_is_a_piece_of_its_own(idle: FlaskClient) -> None:
    with idle.post("/v1/inference", json=ASKED) as response:
        told = list(pieces(response))

    assert all(piece.startswith("data: ") and piece.count("\n\n") == 1 for piece in told)


def test_the_hive_hears_of_busy_and_idle_in_order(idle: FlaskClient, hive: HiveFake) -> None:
    events(idle.post("/v1/inference", json=ASKED))

    assert hive.states(2) == [("busy", 0), ("idle", 1)]
    assert hive.heard_nothing_more()


def test_who_saw_the_end_of_an_inference_finds_the_worker_idle(idle: FlaskClient, hive: HiveFake) -> None:
    with idle.post("/v1/inference", json=ASKED) as response:
        read_until(pieces(response), "[DONE]")

        assert idle.get("/v1/ready").json == {"ready": True, "state": "idle", "model_loaded": True}

    assert hive.states(2)[-1] == ("idle", 1)


def test_a_second_inference_meets_a_busy_slot(idle: FlaskClient) -> None:
    with idle.post("/v1/inference", json=ASKED):
        response = idle.post("/v1/inference", json={**ASKED, "job_id": "job-2"})
        state = idle.get("/v1/ready").json

    slots = {"slots_total": 1, "slots_busy": 1}
    message = "Worker is busy, try again later"
    assert response.status_code == 503
    assert response.json == {"error": {"code": "ALL_SLOTS_BUSY", "message": message, **slots, "details": slots}}
    assert state == {"ready": True, "state": "busy", "model_loaded": True}


def test_an_asker_that_leaves_frees_the_slot(idle: FlaskClient, hive: HiveFake) -> None:
    response = idle.post("/v1/inference", json=ASKED)
    next(pieces(response))

    response.close()

    assert hive.states(2) == [("busy", 0), ("idle", 1)]


def test_an_asker_that_leaves_before_the_first_event_frees_the_slot(idle: FlaskClient, hive: HiveFake) -> None:
    with idle.application.test_request_context("/v1/inference", method="POST", json=ASKED):
        response = idle.application.full_dispatch_request()

    response.close()

    assert hive.states(2) == [("busy", 0), ("idle", 1)]


def test_a_canceled_inference_ends_and_its_slot_is_free_at_once(idle: FlaskClient, hive: HiveFake) -> None:
    with idle.post("/v1/inference", json={**ASKED, "max_tokens": 2048}) as response:
        stream = pieces(response)
        read_until(stream, '"type":"token"')

        answer = idle.delete("/v1/inference/job-1")

        assert hive.states(2) == [("busy", 0), ("idle", 1)]
        rest = "".join(stream)
    assert (answer.status_code, answer.data) == (204, b"")
    assert '"type":"token"' not in rest
    assert '"stop_reason":"CANCELLED"' in rest


@pytest.mark.parametrize("job_id", ["job-1", "no such job"])
def test_there_is_no_harm_in_canceling_what_does_not_run(idle: FlaskClient, job_id: str) -> None:
    events(idle.post("/v1/inference", json=ASKED))

    assert idle.delete(f"/v1/inference/{job_id}").status_code == 204


def test_canceling_one_job_leaves_another_alone(idle: FlaskClient) -> None:
    response = idle.post("/v1/inference", json=ASKED)

    idle.delete("/v1/inference/job-2")

    assert events(response)[-2]["stop_reason"] == "MAX_TOKENS"


def test_a_bad_request_is_refused_before_the_slot_is_looked_at(loading: FlaskClient) -> None:
    response = loading.post("/v1/inference", json={**ASKED, "max_tokens": 0})

    assert response.status_code == 400
    assert response.json is not None
    assert [violation["field"] for violation in response.json["errors"]] == ["max_tokens"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MISSING_API_KEY"),
        ({"Authorization": "Basic key-1"}, "MISSING_API_KEY"),
        ({"Authorization": "Bearer "}, "MISSING_API_KEY"),
        ({"Authorization": "Bearer wrong_key"}, "INVALID_API_KEY"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/ready"),
        ("GET", "/v1/loading/progress"),
        ("POST", "/v1/inference"),
        ("DELETE", "/v1/inference/job-1"),
        ("POST", "/v1/admin/shutdown"),
    ],
)
def test_a_worker_with_a_key_asks_for_it(
    build: Build, method: str, path: str, headers: dict[str, str], code: str
) -> None:
    response = build("key-1").open(path, method=method, headers=headers)

    assert response.status_code == 401
    assert response.json is not None
    assert response.json["error"]["code"] == code


def test_the_right_key_is_let_in(build: Build) -> None:
    response = build("key-1").get("/v1/ready", headers={"Authorization": "Bearer key-1"})

    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_needs_no_key(build: Build, path: str) -> None:
    assert build("key-1").get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/ready", 200),
        ("GET", "/no/such/path", 404),
        ("PUT", "/v1/ready", 405),
        ("POST", "/v1/inference", 415),
    ],
)
def test_every_answer_carries_a_correlation_id(build: Build, method: str, path: str, status: int) -> None:
    response = build().open(path, method=method)

    assert response.status_code == status
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", response.headers["X-Correlation-ID"])


def test_a_correlation_id_of_the_asker_is_kept(build: Build) -> None:
    response = build().get("/v1/ready", headers={"X-Correlation-ID": UUID})

    assert response.headers["X-Correlation-ID"] == UUID


def test_a_correlation_id_of_another_form_is_replaced(build: Build) -> None:
    response = build().get("/v1/ready", headers={"X-Correlation-ID": f"{UUID}0"})

    assert response.headers["X-Correlation-ID"] != f"{UUID}0"
