"""Reaching hives: attempts, logins, starting one, hearing it, and stopping it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from mocks.common.errors import RbeeError
from mocks.queen import hives
from mocks.queen.hives import Hive, Hives, hive_of, remote_path
from mocks.queen.task import Task
from tests.mocks.queen.conftest import Hands, node, order
from tests.mocks.queen.fakes import HIVE_PORT, READY_LINE, Service, SshNode, failing, hive, served, staying, swallowing

START = "cd ~/rbee && ./target/release/rbee-hive daemon --port 9200"
LIMIT_S = 10


def reachable(ssh_node: SshNode, key: Path) -> Hive:
    """The hive of a node to which one can log in."""
    return hive_of(node(ssh_node.host, ssh_port=ssh_node.port, key_path=str(key)))


@pytest.fixture
def startable(ssh_node: SshNode) -> Iterator[Service]:
    """A hive that listens once the start command runs."""
    made = hive(ssh_node.host)
    with ExitStack() as stack:
        ssh_node.commands[START] = staying(
            "2024-10-09T21:16:43Z  INFO rbee-hive: not for the user\n",
            "[rbee-hive] 🌅 Starting pool manager on port 9200\n",
            READY_LINE,
            begun=lambda: stack.enter_context(served(made.app, made.host, HIVE_PORT)),
        )
        yield made


def told(task: Task, work: Callable[[Task], object]) -> list[Mapping[str, Any]]:
    """The events of a task with that flow."""
    return list(task.run(work))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("~/rbee", "~/rbee"),
        ("~", "~"),
        ("~/", "~/"),
        ("~/my rbee", "~/'my rbee'"),
        ("/opt/rbee", "/opt/rbee"),
        ("/opt/a; reboot", "'/opt/a; reboot'"),
        ("~other/rbee", "'~other/rbee'"),
    ],
)
def test_path_is_quoted_for_the_remote_shell_but_for_its_home(path: str, quoted: str) -> None:
    assert remote_path(path) == quoted


def test_running_hive_is_asked_and_not_started(hive_up: Service, ssh_node: SshNode, key: Path, task: Task) -> None:
    Hives().reach(reachable(ssh_node, key), task)

    assert (hive_up.asked, ssh_node.ran) == (["GET /v1/health"], [])


def test_attempt_is_narrated(hive_up: Service, task: Task) -> None:
    target = hive_of(node(hive_up.host))

    (event,) = told(task, lambda task: Hives().reach(target, task))

    assert event["human"] == f"Attempt 1: Connecting to {hive_up.host}:9200... (timeout 10s)"


def test_hive_is_asked_with_the_key_of_the_asker(hive_up: Service) -> None:
    Hives().reach(hive_of(node(hive_up.host)), Task(order(api_key="secret")))

    assert hive_up.keys == ["Bearer secret"]


@pytest.mark.usefixtures("startable")
def test_hive_that_does_not_run_is_started(ssh_node: SshNode, key: Path, task: Task) -> None:
    Hives().reach(reachable(ssh_node, key), task)

    assert (ssh_node.ran, ssh_node.logins) == ([START], ["rbee"])


@pytest.mark.usefixtures("startable")
def test_narration_of_a_started_hive_is_heard(ssh_node: SshNode, key: Path, task: Task) -> None:
    all_hives = Hives()

    def flow(task: Task) -> None:
        with all_hives.heard("workstation", task.overhear):
            all_hives.reach(reachable(ssh_node, key), task)

    assert told(task, flow)[1:] == [
        {"type": "narration", "actor": "rbee-hive", "human": "🌅 Starting pool manager on port 9200"},
        {"type": "narration", "actor": "http-server", "human": "🚀 HTTP server ready on port 9200"},
    ]


@pytest.mark.usefixtures("startable")
def test_narration_goes_to_tasks_on_that_node_only(ssh_node: SshNode, key: Path, task: Task) -> None:
    all_hives = Hives()
    heard: list[Mapping[str, Any]] = []

    with all_hives.heard("elsewhere", heard.append):
        all_hives.reach(reachable(ssh_node, key), task)

    assert heard == []


@pytest.mark.usefixtures("startable")
def test_hive_is_started_once_for_two_tasks(ssh_node: SshNode, key: Path) -> None:
    all_hives = Hives()
    target = reachable(ssh_node, key)

    def flow(task: Task) -> None:
        all_hives.reach(target, task)
        task.narrate("reached")

    events = [list(stream) for stream in [Task(order()).run(flow) for _ in range(2)]]

    assert [last["human"] for *_, last in events] == ["reached", "reached"]
    assert ssh_node.ran == [START]


def test_nobody_there_is_tried_three_times(host: str, task: Task, hands: Hands) -> None:
    events = told(task, lambda task: Hives().reach(Hive("localhost", host), task))

    assert [event.get("human") for event in events[:-1]] == [
        f"Attempt 1: Connecting to {host}:9200... (timeout 10s)",
        f"Attempt 2: Connecting to {host}:9200... (timeout 10s, delay 200ms)",
        f"Attempt 3: Connecting to {host}:9200... (timeout 10s, delay 400ms)",
    ]
    assert events[-1]["code"] == "CONNECTION_TIMEOUT"
    assert events[-1]["details"] == {"node": "localhost", "host": host, "port": 9200, "attempts": 3}
    assert hands.pauses_s == [0.2, 0.4]


def test_closed_ssh_port_is_tried_three_times(host: str, task: Task, hands: Hands) -> None:
    with pytest.raises(RbeeError) as raised:
        Hives().reach(hive_of(node(host, ssh_port=1)), task)

    assert raised.value.code == "CONNECTION_TIMEOUT"
    assert hands.pauses_s == [0.2, 0.4]


@pytest.mark.usefixtures("hands")
def test_silent_hive_is_not_started_again(
    ssh_node: SshNode, key: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hives, "ATTEMPT_LIMIT_S", 0.1)

    with swallowing(ssh_node.host, HIVE_PORT), pytest.raises(RbeeError) as raised:
        Hives().reach(reachable(ssh_node, key), task)

    assert (raised.value.code, ssh_node.ran) == ("CONNECTION_TIMEOUT", [])


def test_refused_key_is_not_tried_again(ssh_node: SshNode, tmp_path: Path, task: Task, hands: Hands) -> None:
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(stranger)

    with pytest.raises(RbeeError, match=r"^SSH connection failed: Permission denied \(publickey\)$") as raised:
        Hives().reach(reachable(ssh_node, stranger), task)

    assert raised.value.code == "SSH_DENIED"
    assert raised.value.details == {"node": "workstation", "host": ssh_node.host, "user": "rbee"}
    assert hands.pauses_s == []


def test_start_command_that_fails_is_told_with_its_words(ssh_node: SshNode, key: Path, task: Task) -> None:
    ssh_node.commands[START] = failing(127, "sh: ./target/release/rbee-hive: not found\n")

    with pytest.raises(
        RbeeError, match=r"^Failed to start rbee-hive: sh: ./target/release/rbee-hive: not found$"
    ) as why:
        Hives().reach(reachable(ssh_node, key), task)

    assert why.value.code == "HIVE_START_FAILED"


def test_hive_that_never_listens_is_stopped_again(
    ssh_node: SshNode, key: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hives, "ATTEMPT_LIMIT_S", 0.3)
    ended = threading.Semaphore(0)
    ssh_node.commands[START] = staying("starting\n", ended=ended.release)

    with pytest.raises(RbeeError) as raised:
        Hives().reach(reachable(ssh_node, key), task)

    assert raised.value.code == "CONNECTION_TIMEOUT"
    assert all(ended.acquire(timeout=LIMIT_S) for _ in ssh_node.ran)


@pytest.mark.parametrize("code", ["INVALID_API_KEY", "MISSING_API_KEY"])
def test_refused_api_key_is_passed_on_with_the_host(hive_up: Service, code: str, task: Task, hands: Hands) -> None:
    hive_up.answers["GET /v1/health"] = {"error": {"code": code, "message": "m"}}, 401

    with pytest.raises(RbeeError) as raised:
        Hives().reach(hive_of(node(hive_up.host)), task)

    assert (raised.value.code, raised.value.details) == (code, {"host": hive_up.host})
    assert hands.pauses_s == []


@pytest.mark.usefixtures("startable")
def test_started_hive_is_stopped_with_the_queen(ssh_node: SshNode, key: Path, task: Task) -> None:
    ended = threading.Event()
    start = ssh_node.commands[START]

    async def until_the_end(process: asyncssh.SSHServerProcess[str]) -> None:
        await start(process)
        ended.set()

    ssh_node.commands[START] = until_the_end
    all_hives = Hives()
    all_hives.reach(reachable(ssh_node, key), task)

    all_hives.stop()

    assert ended.wait(LIMIT_S)


@pytest.mark.usefixtures("hive_up")
def test_hive_of_somebody_else_is_left_alone(ssh_node: SshNode, key: Path, task: Task) -> None:
    all_hives = Hives()
    all_hives.reach(reachable(ssh_node, key), task)

    all_hives.stop()

    assert ssh_node.ran == []


@pytest.mark.usefixtures("startable")
def test_hive_that_does_not_end_is_waited_for_no_longer_than_the_limit(
    ssh_node: SshNode, key: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hives, "STOP_LIMIT_S", 0.1)
    start = ssh_node.commands[START]
    go_on = threading.Event()

    async def for_ever(process: asyncssh.SSHServerProcess[str]) -> None:
        await start(process)
        go_on.set()
        await process.stdin.channel.wait_closed()

    ssh_node.commands[START] = for_ever
    all_hives = Hives()
    all_hives.reach(reachable(ssh_node, key), task)

    all_hives.stop()

    assert go_on.wait(LIMIT_S)


def test_install_path_stands_in_the_start_command() -> None:
    target = hive_of(replace(node("h"), install_path="/opt/my rbee"))

    assert target.start_command == "cd '/opt/my rbee' && ./target/release/rbee-hive daemon --port 9200"
