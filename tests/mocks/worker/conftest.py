"""What the tests of the worker share: a model, a hive that listens, a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from harness.world.models import write_model
from mocks.common import clock
from mocks.worker import app, model
from mocks.worker.worker import Settings, Worker
from tests.mocks.worker.hand_clock import HandClock
from tests.mocks.worker.hive_fake import HiveFake

Build = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_NODE_HOST", "workstation.home.arpa")
    monkeypatch.setenv("RBEE_BIND_HOST", "127.0.0.1")
    for name in ("RBEE_CLOCK", "RBEE_ROOT", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "tinyllama-q4.gguf"
    write_model(path, size_bytes=5_242_880)
    return path


@pytest.fixture
def hive() -> Iterator[HiveFake]:
    with HiveFake() as made:
        yield made


@pytest.fixture
def hand_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HandClock]:
    with HandClock(tmp_path / "clock.sock") as made:
        monkeypatch.setenv("RBEE_CLOCK", str(tmp_path / "clock.sock"))
        # The connections of a test lead to its own clock.
        lines: list[tuple[int, Any]] = []
        monkeypatch.setattr(clock, "_idle", lines)
        yield made
        for _, line in lines:
            line.socket.close()


@pytest.fixture
def build(model_path: Path, hive: HiveFake) -> Build:
    """Builds a worker that has not begun to load, and its client."""

    def build(api_key: str | None = None) -> FlaskClient:
        settings = Settings("worker-abc123", model_path, 8001, hive.callback_url, "cuda", 1, api_key)
        worker = Worker(settings, model.find(model_path))
        return app.application(worker).test_client()

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
