"""Programs that do not ask the proxy: what they connect to themselves is seen, and leads to whom it was meant for."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.programs import PROGRAMS
from harness.stage import Stage
from harness.world_process import World, end_world, start_world
from tests.harness.world_fixture import open_stage

pytestmark = pytest.mark.direct

PROJECT = Path(__file__).resolve().parents[3]
FEATURE = "features/test-001.feature"
PYTHON = Path(sys.executable).name
HIVE = "http://workstation.home.arpa:9200/v1/health"
ASK = """
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
connection.request("GET", url.path)
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""
SAY = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as connection:
    connection.sendall(sys.argv[3].encode())
    print(connection.recv(100).decode().strip())
"""
ECHO = """
import socket
with socket.create_server(("0.0.0.0", 9300)) as listener:
    connection, _ = listener.accept()
    connection.sendall(connection.recv(100).upper())
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running world that leads what programs of the user's connect to."""
    running = start_world(tmp_path_factory.mktemp("w"), namespaces=True, direct=True)
    yield running
    end_world(running)
    assert running.log.read_text() == ""


@pytest.fixture
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage whose keeper is the user's own."""
    opened = open_stage(world, tmp_path_factory.mktemp("s") / "stage", keeper="/bin/true", clock="stage")
    yield opened
    opened.close()


def script(text: str, *arguments: str) -> str:
    """The command line of a Python program that knows of no proxy."""
    return shlex.join([sys.executable, "-c", text, *arguments])


def said(stage: Stage, text: str, *arguments: str) -> str:
    """What such a program prints on the control node."""
    stage.run(script(text, *arguments))
    run = stage.evidence.run(PYTHON)
    assert run.code == 0, run.printed("stderr")
    return run.printed("stdout").strip()


def test_who_asks_another_node_is_answered_and_seen(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200", node="workstation")
    assert stage.ask_starting("rbee-hive", HIVE).status_code == 200

    answer = said(stage, ASK, HIVE)

    assert answer.startswith("200 ")
    asked = stage.evidence.exchanges(path="/v1/health", asker="blep")
    seen = [(each.program, each.node, each.port, each.status, each.how) for each in asked]
    assert seen == [(PYTHON, "workstation", 9200, 200, "complete")]


def test_who_asks_its_own_node_is_seen_too(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200")
    assert stage.ask_starting("rbee-hive", "http://localhost:9200/v1/health").status_code == 200

    answers = [said(stage, ASK, f"http://{host}:9200/v1/health") for host in ("localhost", "127.0.0.1")]

    assert [answer[:3] for answer in answers] == ["200", "200"]
    asked = stage.evidence.exchanges(path="/v1/health", asker="blep")
    assert [(each.node, each.status) for each in asked] == [("blep", 200)] * 2


def test_where_nobody_listens_the_connection_is_reset(stage: Stage) -> None:
    stage.run(script(ASK, HIVE))

    assert "ConnectionResetError" in stage.evidence.run(PYTHON).printed("stderr")
    assert [each.how for each in stage.evidence.exchanges(path="/v1/health", asker="blep")] == ["refused"]


def test_what_is_no_http_passes_unchanged(stage: Stage) -> None:
    stage.start(script(ECHO), node="workstation")

    assert said(stage, SAY, "workstation.home.arpa", "9300", "hello") == "HELLO"
    assert [each.how for each in stage.evidence.exchanges(host="workstation.home.arpa", asker="blep")] == ["complete"]


def test_the_ssh_server_of_a_node_speaks_first(stage: Stage) -> None:
    assert said(stage, SAY, "workstation.home.arpa", "22", "").startswith("SSH-2.0-")


def test_faults_meet_it_too(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200", node="workstation")
    assert stage.ask_starting("rbee-hive", HIVE).status_code == 200
    stage.arrange("cut", host="workstation.home.arpa", port=9200, at=[0])

    stage.run(script(ASK, HIVE))

    assert "ConnectionResetError" in stage.evidence.run(PYTHON).printed("stderr")
    assert stage.not_fired() == []


def test_stand_ins_alone_are_led_nowhere(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")

    stage.run(script(ASK, HIVE))

    assert "Name or service not known" in stage.evidence.run(PYTHON).printed("stderr")
    stage.close()


def test_a_whole_scenario_of_programs_that_know_of_no_proxy(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = ["-D", "clock=stage", "-D", f"run_dir={tmp_path_factory.mktemp('r')}"]
    for option, name in PROGRAMS.items():
        program = tmp_path / name
        rest = (PROJECT / "bin" / name).read_text().partition("\n")[2]
        program.write_text(f'#!{sys.executable}\nimport os\nos.environ["NO_PROXY"] = "*"\n{rest}')
        program.chmod(0o755)
        options += ["-D", f"{option}={program}"]

    ran = subprocess.run(
        [sys.executable, "-m", "behave", *options, f"{FEATURE}:949"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, "1 scenario passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr
