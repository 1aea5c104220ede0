"""Nodes that are machines of their own: nobody is answered by another's program, and nothing is left on the machine."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.link import WorldError
from harness.scenario_hooks import TOPOLOGY
from harness.settings import read
from harness.stage import Stage
from harness.world_process import World, end_world, start_world
from tests.harness.world import foreign_queen
from tests.harness.world_fixture import open_stage

pytestmark = pytest.mark.namespaces

QUEEN = Path(__file__).with_name("foreign_queen.py")
HEALTH = "http://localhost:8080/health"
LIMIT_S = 30.0


@pytest.fixture(scope="module", params=["forked", "exec'd"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running world whose stand-ins are forked, or exec'd."""
    running = start_world(tmp_path_factory.mktemp("w"), warm=request.param == "forked", namespaces=True)
    yield running
    end_world(running)
    assert running.log.read_text() == ""


@pytest.fixture
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    opened = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    yield opened
    opened.close()


@pytest.fixture
def another_queen() -> Iterator[None]:
    """Somebody on this machine listens at the queen's port on all addresses."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # it is so already
            listener.bind(("0.0.0.0", 8080))
        listener.listen()
        yield


def start_queen(stage: Stage) -> int:
    """Start the foreign queen on the control node, as a program of the user's own; her process id."""
    program = stage.places[stage.control].home / "foreign-queen"
    program.write_text(f"#!{sys.executable}\n{QUEEN.read_text()}")
    program.chmod(0o755)
    return stage.start(str(program))


def started(stage: Stage) -> int:
    """Start her, and see that it is she who answers."""
    pid = start_queen(stage)
    assert stage.ask_starting("foreign-queen", HEALTH).json() == {"status": "ok", "pid": pid}
    return pid


def said(stage: Stage, command: str, node: str = "workstation") -> str:
    """What a shell command prints on a node."""
    stage.run(f"sh -c '{command}'", node=node)
    run = stage.evidence.run("sh")
    assert run.code == 0, run.printed("stderr")
    return run.printed("stdout").strip()


def test_every_stage_is_answered_by_its_own_queen(
    world: World, tmp_path_factory: pytest.TempPathFactory, another_queen: None
) -> None:
    stages = [open_stage(world, tmp_path_factory.mktemp("s") / "stage") for _ in range(3)]

    pids = [started(each) for each in stages]

    assert [each.ask("GET", HEALTH).json()["pid"] for each in stages] == pids
    for each in stages:
        each.close()


def test_worlds_side_by_side_do_not_meet(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = start_world(tmp_path_factory.mktemp("w"), namespaces=True)
    there = open_stage(other, tmp_path_factory.mktemp("s") / "stage")

    pids = [started(each) for each in (stage, there)]

    assert [each.ask("GET", HEALTH).json()["pid"] for each in (stage, there)] == pids
    there.close()
    end_world(other)


def test_what_a_program_writes_lies_on_its_node(stage: Stage) -> None:
    pid = started(stage)

    place = stage.places[stage.control]
    assert [sign for sign in foreign_queen.SIGNS if Path(sign).exists()] == []
    where = ("tmp", "root/etc", "root/var/lib", "root/usr/local/bin", "root/models", "shm")
    assert [(place.directory / each / "foreign-queen").read_text() for each in where] == [str(pid)] * 6


def test_nothing_of_the_machines_can_be_written(stage: Stage) -> None:
    program = "touch /usr/x /var/x /opt/x /x 2>&1 | grep -c -e Read-only -e Permission"

    assert said(stage, program) == "4"


def test_a_node_has_its_host_name_and_its_user_his_home(stage: Stage) -> None:
    home = stage.places["workstation"].home

    assert said(stage, "uname -n; getent passwd $(id -u) | cut -d: -f6") == f"workstation.home.arpa\n{home}"


def test_a_node_reaches_nobody_but_through_the_network(stage: Stage) -> None:
    program = "exec 3<>/dev/tcp/192.0.2.1/80"

    stage.run(f"bash -c '{program}'", node="workstation")

    assert "Network is unreachable" in stage.evidence.run("bash").printed("stderr")


def test_a_node_is_logged_in_to_at_the_port_of_ssh(stage: Stage) -> None:
    stage.run("ssh workstation.home.arpa uname -n")

    assert stage.evidence.run("ssh").printed("stdout") == "workstation.home.arpa\n"


def test_a_stand_in_is_on_its_node_whoever_started_it(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200", node="workstation")
    stage.start("sh -c 'cd ~/rbee && ./target/release/rbee-hive daemon --port 9300'", node="workstation")
    for port in (9200, 9300):
        assert stage.ask("GET", f"http://workstation.home.arpa:{port}/v1/health").status_code == 200

    hives = stage.evidence.processes("rbee-hive", "workstation")
    assert {port for hive in hives for port in hive.ports()} == {9200, 9300}
    assert all(rights(hive.pid) == (0 if os.getuid() else rights(os.getpid())) for hive in hives)


def rights(pid: int) -> int:
    """The capabilities of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16)


def test_a_binary_of_the_users_is_on_the_node_and_stays_what_it_is(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = tmp_path_factory.mktemp("own") / "my-hive"
    program.write_text('#!/bin/sh\necho "$0"; echo spoilt >"$0"\n')
    program.chmod(0o755)
    settings = read({"hive": str(program), "clock": "stage"})
    stage = Stage(world.socket, tmp_path_factory.mktemp("s") / "stage", TOPOLOGY, settings, lambda event: None)

    stage.run("rbee-hive", node="workstation")
    run = stage.evidence.run("rbee-hive")
    stage.close()

    place = stage.places["workstation"].directory / "bin" / "rbee-hive"
    assert (run.printed("stdout"), run.code) == (f"{place}\n", 2)
    assert "Read-only file system" in run.printed("stderr")
    assert (program.read_text().startswith("#!/bin/sh"), place.stat().st_size) == (True, 0)


def test_a_world_that_is_killed_leaves_no_namespace(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = start_world(tmp_path_factory.mktemp("w"), namespaces=True)
    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    queen = psutil.Process(started(stage))
    network = os.readlink(f"/proc/{queen.pid}/ns/net")
    mounts = Path("/proc/self/mountinfo").read_text()
    alive = psutil.pids()  # the number of a network is given again, to those who come later

    world.process.kill()
    world.process.wait()
    queen.send_signal(signal.SIGKILL)
    psutil.wait_procs([queen], LIMIT_S)
    with pytest.raises(WorldError):
        stage.close()

    assert network not in networks(alive)
    assert Path("/proc/self/mountinfo").read_text() == mounts


def networks(pids: Iterable[int]) -> set[str]:
    """The network namespaces of these processes, as far as they live and may be looked at."""
    found = set()
    for pid in pids:
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            continue
    return found
