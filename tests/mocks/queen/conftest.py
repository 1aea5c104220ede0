"""What the tests of the queen share: a clean environment, a key, fakes, and a clock whose pauses take no time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import requests

from mocks.common import clock, events
from mocks.queen.app import application
from mocks.queen.registry import Node, Registry
from mocks.queen.state import Queen
from mocks.queen.task import Order, Task
from tests.mocks.queen.fakes import HIVE_PORT, MODEL, Service, SshNode, fresh_host, hive, served

LIMIT_S = 20
START_US = 1_728_508_603_000_000


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RBEE_CLOCK", "RBEE_VERSION", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RBEE_BIND_HOST", "127.0.0.1")


class Hands:
    """A clock's hands: pauses move them on and are written down, but take no time."""

    def __init__(self) -> None:
        self.now_us = START_US
        self.pauses_s: list[float] = []

    def sleep(self, delay_s: float) -> None:
        self.pauses_s.append(delay_s)
        self.now_us += round(delay_s * 1_000_000)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(clock, "now_us", lambda: made.now_us)
    monkeypatch.setattr(clock, "sleep", made.sleep)
    return made


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "id_ed25519"
    made = asyncssh.generate_private_key("ssh-ed25519")
    made.write_private_key(path)
    made.write_public_key(f"{path}.pub")
    return path


@pytest.fixture
def host() -> str:
    """The address of a node that nobody listens at yet."""
    return fresh_host()


@pytest.fixture
def ssh_node(host: str, key: Path) -> Iterator[SshNode]:
    with SshNode(host, key).running() as made:
        yield made


@pytest.fixture
def hive_up(host: str) -> Iterator[Service]:
    made = hive(host)
    with served(made.app, host, HIVE_PORT):
        yield made


@pytest.fixture
def worker_up(host: str) -> Iterator[Service]:
    made = Service(host)
    with served(made.app, host, 8001):
        yield made


def node(host: str, *, ssh_port: int = 22, key_path: str | None = None, name: str = "workstation") -> Node:
    """A registered node at `host`."""
    return Node(
        node_name=name,
        ssh_host=host,
        ssh_port=ssh_port,
        ssh_user="rbee",
        ssh_key_path=key_path,
        git_repo_url="https://github.com/user/llama-orch.git",
        git_branch="main",
        install_path="~/rbee",
        last_connected_unix=None,
        status="unknown",
        backends=None,
        devices=None,
    )


def order(**changes: object) -> Order:
    """An order as scenarios give it."""
    usual: dict[str, object] = {
        "node": "workstation",
        "model": MODEL,
        "prompt": "write a short story",
        "max_tokens": 20,
        "temperature": 0.7,
        "backend": "cuda",
        "device": 1,
        "api_key": None,
        "keeper_version": "0.1.0",
    }
    return Order(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.fixture
def task() -> Task:
    return Task(order())


class Client:
    """A client of a queen that runs in this test."""

    def __init__(self, queen: Queen, url: str) -> None:
        self.queen = queen
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=LIMIT_S, **options)

    def post(self, path: str, body: object = None, **options: Any) -> requests.Response:
        return self.session.post(f"{self.url}{path}", json=body, timeout=LIMIT_S, **options)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(f"{self.url}{path}", timeout=LIMIT_S)

    def events(self, path: str, body: object, **options: Any) -> list[Any]:
        """The events of a stream that comes to its end."""
        *payloads, last = events.read(self.post(path, body, stream=True, **options))
        assert last == "[DONE]"
        return [json.loads(payload) for payload in payloads]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    queen = Queen(Registry(tmp_path / ".rbee" / "beehives.db"))
    with served(application(queen), "127.0.0.1") as port:
        made = Client(queen, f"http://127.0.0.1:{port}")
        with made.session:
            yield made
