"""The world process: how it comes up, and how it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from harness.world_process import WorldNotStarted, end_world, start_world
from tests.harness.world_fixture import open_stage

PROJECT = Path(__file__).parents[2]


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
        "Usage: python -m harness.world PARENT [warm] (the harness starts it, with a socket)\n",
    )
