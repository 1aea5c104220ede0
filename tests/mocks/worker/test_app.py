"""The worker's routes, in one process with a test: what it says of itself, and who is let in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.mocks.worker.hand_clock import HandClock
from tests.mocks.worker.hive_fake import HiveFake
from tests.mocks.worker.streams import events, pieces, read_until

Build = Callable[..., FlaskClient]
UUID = "0a1b2c3d-0000-1111-2222-333344445555"


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


def test_who_has_no_way_to_know_the_key_is_served_when_that_is_said(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RBEE_WORKER_KEY", "optional")
    client = build(api_key="key-1")

    assert client.get("/v1/ready").status_code == 200
    assert client.get("/v1/ready", headers={"Authorization": "Bearer key-2"}).status_code == 401


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
