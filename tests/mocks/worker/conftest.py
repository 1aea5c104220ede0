"""What the tests of the worker share: a model, a hive that listens, a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.world.models import write_model
from mocks.common import clock
from tests.mocks.worker.hand_clock import HandClock
from tests.mocks.worker.hive_fake import HiveFake


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
            line.answers.close()
            line.socket.close()
