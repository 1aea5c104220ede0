"""The world's warm parent, and what is forked on a stage where a shell execs it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import psutil
import pytest

from harness.stage import Stage
from harness.world_process import World, end_world, start_world
from tests.harness.world_fixture import open_stage

HIVE = "sh -c 'cd ~/rbee && ./target/release/rbee-hive daemon --port 9200'"
HEALTH = "http://workstation.home.arpa:9200/v1/health"
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    running = start_world(tmp_path_factory.mktemp("w"), warm=True)
    yield running
    end_world(running)


@pytest.fixture
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    opened = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    yield opened
    opened.close()


def warm_parent(world: World) -> psutil.Process:
    return next(child for child in world.process.children() if "mocks.common.warm" in child.cmdline())


def start_hive(stage: Stage) -> int:
    """A hive below a shell, which answers; the shell's pid."""
    pid = stage.start(HIVE, node="workstation")
    assert stage.ask("GET", HEALTH).status_code == 200
    return pid


def launcher(shell: int) -> int:
    return psutil.Process(shell).children()[0].pid


def test_a_stand_in_below_a_shell_is_a_process_of_its_stage_and_counts_as_the_shells_child(stage: Stage) -> None:
    shell = start_hive(stage)

    hive = stage.evidence.process("rbee-hive", "workstation")

    assert (hive.parent, hive.ports()) == (shell, {9200})


def test_a_launcher_ends_as_its_fork_ends(stage: Stage) -> None:
    shell = start_hive(stage)

    stage.signal(stage.evidence.process("rbee-hive").pid, signal.SIGKILL)
    stage.flow({"exit": shell})

    assert stage.evidence.exit_code("sh") == 128 + signal.SIGKILL


def test_a_launcher_passes_a_signal_on(stage: Stage) -> None:
    shell = start_hive(stage)

    stage.signal(launcher(shell), signal.SIGTERM)
    stage.flow({"exit": shell})

    assert stage.evidence.exit_code("sh") == 0


def test_a_fork_ends_with_its_launcher(stage: Stage) -> None:
    shell = start_hive(stage)
    hive = psutil.Process(stage.evidence.process("rbee-hive").pid)

    stage.signal(launcher(shell), signal.SIGKILL)

    assert psutil.wait_procs([hive], LIMIT_S)[0] == [hive]


def test_a_stage_leaves_no_fork(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    start_hive(stage)
    pid = stage.evidence.process("rbee-hive").pid

    left = stage.close()

    assert (left, psutil.pid_exists(pid)) == ([], False)


def test_a_warm_parent_that_dies_is_said_and_replaced(world: World, stage: Stage) -> None:
    first = warm_parent(world)
    stage.start("rbee-hive daemon --port 9200", node="workstation")

    first.kill()
    assert psutil.wait_procs([first], LIMIT_S)[0] == [first]
    stage.run("rbee-keeper --version")

    assert stage.ask("GET", HEALTH).status_code == 200
    assert stage.evidence.exit_code() == 0
    assert warm_parent(world).pid != first.pid
    assert f"the warm parent ({first.pid}) ended with -9: another one is started" in world.log.read_text()
