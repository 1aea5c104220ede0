"""What the tests of the hive share: a machine to run on, a hub, a clock that a test moves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from mocks.common import clock
from mocks.hive import app, catalog
from mocks.hive.download import Downloads
from mocks.hive.workers import Order, Worker, Workers
from tests.mocks.hive.hub_fake import Hub

# Tests that run at the same time do not take each other's ports.
OWN_ADDRESS = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
START_US = 1_728_508_603_000_000


class Machine:
    """A machine of its own below `root`: its home, its PATH, what its `free` and `nvidia-smi` say."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.root = root / "root"
        self.bin = root / "bin"
        for directory in (self.home, self.root, self.bin):
            directory.mkdir()
        self.has_ram(8000)

    def has_ram(self, available_mb: int) -> None:
        heading = "               total        used        free      shared  buff/cache   available"
        row = f"Mem:            9999        2000         100           0         900        {available_mb}"
        self.program("free", f"[ \"$*\" = -m ] && printf '%s\\n' '{heading}' '{row}' 'Swap: 0 0 0'")

    def has_cuda(self, *free_mb: int) -> None:
        indexes = "\\n".join(str(index) for index, _ in enumerate(free_mb))
        table = "\\n".join(f"{index}, {free}" for index, free in enumerate(free_mb))
        self.program("nvidia-smi", f'case "$*" in *memory.free*) echo "{table}";; *) echo "{indexes}";; esac')

    def program(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setenv("RBEE_ROOT", str(made.root))
    monkeypatch.setenv("RBEE_NODE_HOST", "workstation.home.arpa")
    monkeypatch.setenv("RBEE_BIND_HOST", OWN_ADDRESS)
    monkeypatch.setenv("PATH", f"{made.bin}:/usr/bin:/bin")
    for name in ("RBEE_CLOCK", "RBEE_WORKER_HOST", "RBEE_MODEL_BASE_DIR", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    return made


def order(worker_id: str = "worker-abc123") -> Order:
    return Order(worker_id, "hf:org/repo", "/models/repo.gguf", "cuda", 1)


def exit_code(worker: Worker) -> int | None:
    """The exit code of the worker's process, once it is gone; None when it is not gone after 10 s."""
    return next(worker.exit_code.follow(quiet_s=10))


@pytest.fixture
def workers(machine: Machine) -> Iterator[Workers]:
    """Workers whose program lives until it is killed."""
    made = Workers(machine.program("llm-worker-rbee", "exec tail -f /dev/null"), 9200)
    yield made
    for worker in made.all():
        worker.kill()
        exit_code(worker)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as made:
        monkeypatch.setenv("RBEE_HUB_URL", made.url)
        yield made


class OverError(Exception):
    """The time that a test looks at is over."""


class Hands:
    """A clock's hands: a sleep moves them on, past what happens meanwhile; at `end_us` the sleeper is thrown out."""

    def __init__(self) -> None:
        self.now_us = START_US
        self.end_us = START_US
        self.happenings: list[tuple[int, Callable[[], None]]] = []

    def at(self, after_s: float, happening: Callable[[], None]) -> None:
        self.happenings.append((START_US + round(after_s * 1_000_000), happening))
        self.happenings.sort(key=lambda pair: pair[0])

    def sleep(self, delay_s: float) -> None:
        due_us = self.now_us + max(0, round(delay_s * 1_000_000))
        while self.happenings and self.happenings[0][0] <= due_us:
            self.now_us, happening = self.happenings.pop(0)
            happening()
        self.now_us = due_us
        if self.now_us > self.end_us:
            raise OverError

    def run(self, limit_s: float, loop: Callable[[], object]) -> None:
        """Let `loop` run for `limit_s` seconds."""
        self.end_us = START_US + round(limit_s * 1_000_000)
        with pytest.raises(OverError):
            loop()

    def since_start_us(self) -> int:
        return self.now_us - START_US


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(clock, "now_us", lambda: made.now_us)
    monkeypatch.setattr(clock, "sleep", made.sleep)
    return made


@pytest.fixture
def hive(workers: Workers) -> FlaskClient:
    catalog.create()
    return app.application(workers, Downloads()).test_client()
