"""A node's SSH server: logins and commands, with the library's client and with OpenSSH's."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import pytest

from harness.world.keys import generate
from harness.world.node import SshServer
from harness.world.topology import Node
from tests.harness.world.node_stage import KEYS, NodeStage, World

Result = TypeVar("Result")
Client = asyncssh.SSHClientConnection
OPENSSH = Path("/usr/bin/ssh")
# The command says that it has begun after its exec: before, it would take a signal as its shell does, and forget it.
SAY_AND_STAY = "sh -c 'echo begun; exec sleep 1000'"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[NodeStage]:
    with World() as world:
        stage = world.open(tmp_path / "stage")
        server = SshServer(stage, stage.nodes["workstation"], KEYS)
        stage.run(server.open())
        yield stage
        stage.run(server.close())


@pytest.fixture
def workstation(stage: NodeStage) -> Node:
    return stage.nodes["workstation"]


@contextlib.asynccontextmanager
async def client(node: Node, *, user: str = "rbee", key: asyncssh.SSHKey = KEYS.user_key) -> AsyncIterator[Client]:
    """A connection to the node."""
    settings: dict[str, Any] = {"known_hosts": None, "config": [], "agent_path": None}
    async with asyncssh.connect(
        node.address, node.ssh_port, username=user, client_keys=[key], **settings
    ) as connection:
        yield connection


def on(stage: NodeStage, scene: Callable[[Client], Awaitable[Result]]) -> Result:
    """Play a scene on a connection to the workstation."""

    async def play() -> Result:
        async with client(stage.nodes["workstation"]) as connection:
            return await scene(connection)

    return stage.run(play())


def run(stage: NodeStage, command: str | None, **settings: Any) -> asyncssh.SSHCompletedProcess:
    """Run a command on the workstation to its end."""

    async def scene(connection: Client) -> asyncssh.SSHCompletedProcess:
        return await connection.run(command, **settings)

    return on(stage, scene)


def test_a_login_is_told_with_user_and_key(stage: NodeStage) -> None:
    run(stage, "true")

    fingerprint = KEYS.user_key.get_fingerprint()
    assert stage.told("login") == [
        {"event": "login", "node": "workstation", "user": "rbee", "key": fingerprint, "granted": True}
    ]


@pytest.mark.parametrize(("user", "key"), [("root", KEYS.user_key), ("rbee", generate().user_key)])
def test_nobody_else_is_let_in(stage: NodeStage, workstation: Node, user: str, key: asyncssh.SSHKey) -> None:
    async def try_it() -> None:
        async with client(workstation, user=user, key=key):
            pass

    with pytest.raises(asyncssh.PermissionDenied):
        stage.run(try_it())

    assert stage.told("login") == [
        {"event": "login", "node": "workstation", "user": user, "key": key.get_fingerprint(), "granted": False}
    ]


def test_a_command_is_told_and_its_output_and_code_come_back(stage: NodeStage) -> None:
    done = run(stage, "echo out; echo err >&2; exit 3")

    assert (done.stdout, done.stderr, done.exit_status) == ("out\n", "err\n", 3)
    command = stage.told("command")[0]
    pid = command["pid"]
    assert command == {
        "event": "command",
        "node": "workstation",
        "user": "rbee",
        "command": "echo out; echo err >&2; exit 3",
        "pid": pid,
    }
    assert stage.told("commanded") == [{"event": "commanded", "node": "workstation", "pid": pid, "code": 3}]
    assert (stage.said(pid), stage.said(pid, "stderr")) == ("out\n", "err\n")


def test_a_command_runs_at_home_in_the_nodes_environment(stage: NodeStage, workstation: Node) -> None:
    done = run(stage, "pwd; echo $RBEE_BIND_HOST; rbee/target/release/rbee-hive")

    home = workstation.directory / "home"
    assert done.stdout == f"{home}\n{workstation.address}\nrbee/target/release/rbee-hive\n"


def test_a_command_reads_what_the_client_sends(stage: NodeStage) -> None:
    done = run(stage, "cat", input="some\nlines")

    assert done.stdout == "some\nlines"


def test_a_shell_reads_commands(stage: NodeStage) -> None:
    done = run(stage, None, input="echo hello; exit 4\n")

    assert (done.stdout, done.exit_status) == ("hello\n", 4)
    assert stage.told("command")[0]["command"] is None


def test_what_runs_in_the_background_keeps_no_channel_open(stage: NodeStage) -> None:
    done = run(stage, f"{SAY_AND_STAY} & echo gone")

    assert done.stdout in ("gone\n", "begun\ngone\n", "gone\nbegun\n")
    assert len(stage.processes.roots()) == 1


def test_a_signal_that_ended_a_command_is_reported(stage: NodeStage) -> None:
    done = run(stage, "kill -9 $$")

    assert done.exit_signal is not None
    assert done.exit_signal[0] == "KILL"


async def send(connection: Client, command: str, signame: str) -> asyncssh.SSHClientProcess[str]:
    """Run `command`, send it a signal when it has said a line, and wait for its end."""
    process: asyncssh.SSHClientProcess[str] = await connection.create_process(command)
    await process.stdout.readline()
    process.send_signal(signame)
    await process.wait_closed()
    return process


@pytest.mark.parametrize("name", ["TERM", "INT", "KILL"])
def test_a_signal_goes_to_what_the_shell_runs(stage: NodeStage, name: str) -> None:
    process = on(stage, lambda connection: send(connection, f"{SAY_AND_STAY} || exit $?", name))

    assert process.exit_status == 128 + signal.Signals[f"SIG{name}"]


def test_a_signal_does_not_go_further_than_that(stage: NodeStage) -> None:
    command = "sh -c 'sleep 1000 & echo begun; exec sleep 1000'; exit 5"

    process = on(stage, lambda connection: send(connection, command, "TERM"))

    assert process.exit_status == 5
    assert len(stage.processes.roots()) == 1


def test_a_signal_goes_to_a_shell_that_runs_nothing(stage: NodeStage) -> None:
    process = on(stage, lambda connection: send(connection, "echo begun; read -r line", "TERM"))

    assert process.exit_signal is not None
    assert process.exit_signal[0] == "TERM"


@pytest.mark.parametrize("way", ["channel", "connection"])
def test_a_command_lives_on_when_its_client_leaves(stage: NodeStage, way: str) -> None:
    async def scene(connection: Client) -> None:
        process = await connection.create_process("echo begun; exec sh -c 'read -r line; echo alone; exec sleep 1000'")
        await process.stdout.readline()
        if way == "channel":
            process.close()
            await process.wait_closed()
        else:
            connection.abort()
            await connection.wait_closed()

    on(stage, scene)
    pid = stage.told("command")[0]["pid"]
    stage.run(stage.until_said(pid, "alone\n"))

    assert stage.processes.roots() == [pid]
    assert (stage.directory / "logs" / f"workstation-sh-{pid}.log").read_text() == "begun\nalone\n"


def test_several_commands_run_on_one_connection(stage: NodeStage) -> None:
    async def scene(connection: Client) -> list[Any]:
        done = await asyncio.gather(*(connection.run(f"echo {number}") for number in range(3)))
        return [one.stdout for one in done]

    assert on(stage, scene) == ["0\n", "1\n", "2\n"]
    assert len(stage.told("login")) == 1


def test_a_command_that_cannot_be_run_says_why(stage: NodeStage, workstation: Node) -> None:
    (workstation.directory / "home").rename(workstation.directory / "elsewhere")

    done = run(stage, "true")

    assert done.exit_status == 255
    assert "No such file or directory" in str(done.stderr)


@pytest.mark.parametrize("wanted", [{"subsystem": "sftp"}, {"term_type": "vt100"}])
def test_what_a_node_does_not_have_is_refused(stage: NodeStage, wanted: dict[str, str]) -> None:
    async def scene(connection: Client) -> None:
        await connection.create_process(**wanted)

    with pytest.raises(asyncssh.ChannelOpenError):
        on(stage, scene)

    assert stage.told("command") == []


def test_no_login_and_no_command_needs_a_thread(stage: NodeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock looks at the processes of a stage: work of the world in another thread it would not see.
    def refuse(*_: object) -> None:
        raise AssertionError("work was given to a thread")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "run_in_executor", refuse)
    ssh = openssh(stage, "echo hi")

    stage.ended(ssh)

    assert stage.said(ssh) == "hi\n"


def openssh(stage: NodeStage, command: str) -> int:
    """Start OpenSSH's client, with options as the queen's and as a user's own: straight to the workstation."""
    assert OPENSSH.exists(), "this test logs in with OpenSSH's client: install the package openssh-client"
    node = stage.nodes["workstation"]
    config = stage.directory / "config"
    # From 10.1 on it warns of servers without a post-quantum key exchange: nothing that a command has said.
    config.write_text(f"UserKnownHostsFile {node.directory}/home/.ssh/known_hosts\nLogLevel ERROR\n")
    key = node.directory / "home" / ".ssh" / "id_ed25519"
    address = ["-p", str(node.ssh_port), f"rbee@{node.address}"]
    return stage.start(str(OPENSSH), "-F", str(config), "-o", "BatchMode=yes", "-i", str(key), *address, command)


def test_openssh_can_log_in(stage: NodeStage) -> None:
    ssh = openssh(stage, "echo hi; echo there >&2; exit 7")

    code = stage.ended(ssh)

    assert (code, stage.said(ssh), stage.said(ssh, "stderr")) == (7, "hi\n", "there\n")
    assert stage.told("login")[0]["granted"]
