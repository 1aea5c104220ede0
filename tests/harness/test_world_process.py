"""The world process: how it comes up, and how it goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.link import WorldError
from harness.world_process import WorldNotStarted, end_world, start_world
from tests.harness.world_fixture import open_stage

PROJECT = Path(__file__).parents[2]
LIMIT_S = 30.0


def test_a_world_comes_up_and_goes_without_a_trace(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = start_world(tmp_path_factory.mktemp("w"))

    end_world(world)

    assert (world.process.poll(), world.log.read_text()) == (0, "")


def test_who_comes_before_a_world_is_up_is_served_when_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = start_world(tmp_path_factory.mktemp("w"))

    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")

    stage.run("rbee-keeper --version")
    assert stage.evidence.exit_code() == 0
    stage.close()
    end_world(world)


def test_an_attempt_that_dies_while_it_is_told_something_costs_its_stage_only(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    world = start_world(tmp_path_factory.mktemp("w"))
    with socket.socket(socket.AF_UNIX) as attempt:
        attempt.connect(str(world.socket))
        attempt.sendall(b'{"id": 1, "do": "nothing"}\n' * 100)  # and reads none of the replies

    open_stage(world, tmp_path_factory.mktemp("s") / "stage").close()
    end_world(world)

    assert (world.process.poll(), world.log.read_text()) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_world_that_gets_a_signal_while_it_starts_ends_in_order(
    tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
) -> None:
    world = start_world(tmp_path_factory.mktemp("w"), warm=True)
    with socket.socket(socket.AF_UNIX) as attempt:  # somebody waits for it
        attempt.connect(str(world.socket))

        world.process.send_signal(number)
        end_world(world)

    assert (world.process.poll(), world.log.read_text()) == (0, "")


def test_a_warm_parent_that_dies_before_it_is_ready_is_said_and_done_without(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    world = start_world(tmp_path_factory.mktemp("w"), warm=True)
    warm_parent = first_child(world.process)

    warm_parent.kill()
    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    stage.run("rbee-keeper --version")

    assert stage.evidence.exit_code() == 0
    stage.close()
    end_world(world)
    said = f"the warm parent ({warm_parent.pid}) ended with -9 before it was ready: programs are exec'd instead\n"
    assert (world.process.poll(), world.log.read_text()) == (0, said)


def test_a_warm_parent_ends_with_its_world(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = start_world(tmp_path_factory.mktemp("w"), warm=True)
    warm_parent = first_child(world.process)

    world.process.kill()
    world.process.wait()

    warm_parent.wait(LIMIT_S)
    assert world.log.read_text() == ""


def test_a_world_that_is_gone_is_told_with_its_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = start_world(tmp_path_factory.mktemp("w"))
    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")

    world.process.kill()
    world.process.wait()

    with pytest.raises(WorldError, match=f"the world process is gone: .* stands in {world.log}"):
        stage.run("rbee-keeper --version")
    with pytest.raises(WorldError):
        stage.close()


def first_child(process: psutil.Process) -> psutil.Process:
    """The first child that a process starts, as soon as it has one."""
    until_s = time.monotonic() + LIMIT_S
    while not (children := process.children()) and time.monotonic() < until_s:
        pass
    return children[0]


def test_a_socket_that_cannot_be_is_said_with_its_place(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 40)  # no Unix socket has such a path

    with pytest.raises(WorldNotStarted, match="AF_UNIX path too long"):
        start_world(directory)


def test_a_world_ends_with_its_parent(tmp_path_factory: pytest.TempPathFactory) -> None:
    parent = f"""
import signal, sys
sys.path.insert(0, {str(PROJECT)!r})
from pathlib import Path
from harness.world_process import start_world
print(start_world(Path({str(tmp_path_factory.mktemp("w"))!r})).process.pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        world = psutil.Process(int(running.stdout.readline()))
        os.kill(running.pid, signal.SIGKILL)

    assert world.wait(10) is None


def test_the_world_program_tells_its_use() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "harness.world"],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (ended.returncode, ended.stderr) == (
        2,
        "Usage: python -m harness.world PARENT [warm] [namespaces] [direct] (the harness starts it, with a socket)\n",
    )
