"""A node's ssh: OpenSSH's client on its way through the network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.world.askers import Askers
from harness.world.faults import Faults
from harness.world.network import Network
from harness.world.node import SshServer
from harness.world.sandbox import CONNECT
from tests.harness.world.node_stage import KEYS, LIMIT_S, NodeStage, World

OPENSSH = Path("/usr/bin/ssh")
QUEENS_OPTIONS = "-i ~/.ssh/id_ed25519 -o ConnectTimeout=10 -o BatchMode=yes -o StrictHostKeyChecking=no -p 22"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[NodeStage]:
    assert OPENSSH.exists(), "these tests log in with OpenSSH's client: install the package openssh-client"
    with World() as world:
        stage = world.open(tmp_path / "stage")
        network = Network(stage, Faults(), Askers(stage.processes.roots, []))
        server = SshServer(stage, stage.nodes["workstation"], KEYS)
        stage.run(network.open())
        stage.run(server.open())
        yield stage
        stage.run(server.close())
        stage.run(network.close())


def test_a_user_reaches_a_node_by_its_name(stage: NodeStage) -> None:
    ssh = stage.start("ssh", "workstation.home.arpa", "echo hi; exit 3", node="blep")

    code = stage.ended(ssh)

    assert (code, stage.said(ssh), stage.said(ssh, "stderr")) == (3, "hi\n", "")
    assert [(asked["method"], asked["host"], asked["port"]) for asked in stage.told("asked")] == [
        ("CONNECT", "workstation.home.arpa", 22)
    ]


def test_a_real_queens_options_are_understood(stage: NodeStage) -> None:
    ssh = stage.start(
        "ssh", *QUEENS_OPTIONS.split(), "rbee@workstation.home.arpa", "echo 'connection test'", node="blep"
    )

    code = stage.ended(ssh)

    assert (code, stage.said(ssh)) == (0, "connection test\n")


def test_what_is_typed_reaches_the_command(stage: NodeStage) -> None:
    typed = "sh", "-c", "echo typed | ssh workstation.home.arpa cat"

    ssh = stage.start(*typed, node="blep")
    stage.ended(ssh)

    assert stage.said(ssh) == "typed\n"


def test_a_call_is_recorded_on_the_node_it_was_made_on(stage: NodeStage) -> None:
    stage.ended(stage.start("ssh", "workstation.home.arpa", "true", node="blep"))

    directory = stage.nodes["blep"].directory
    assert (directory / "tools.log").read_text() == f"{directory}/home\tssh workstation.home.arpa true\n"


def test_a_host_that_nobody_is_cannot_be_reached(stage: NodeStage) -> None:
    ssh = stage.start("ssh", "nowhere.home.arpa", "true", node="blep")

    code = stage.ended(ssh)

    assert code == 255
    assert "connect to host nowhere.home.arpa port 22: " in stage.said(ssh, "stderr")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["localhost", "22"], 1, "connect to host localhost port 22: HTTP_PROXY names no proxy\n"),
        (["localhost"], 2, "Usage: connect.py HOST PORT (a node's ssh runs it)\n"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(words: list[str], code: int, said: str) -> None:
    command = [sys.executable, "-I", "-S", str(CONNECT), *words]

    done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert (done.returncode, done.stderr) == (code, said)
