"""Orphans: found, given to their stage, and waited for."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.world.adoption import children, descendants
from tests.harness.world.node_stage import LIMIT_S, NodeStage, World

SAY_AND_STAY = "sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1'"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def stage(world: World, tmp_path: Path) -> NodeStage:
    return world.open(tmp_path / "stage")


def pid_said(stage: NodeStage, pid: int) -> int:
    """The number that a program, or what it left behind, said first."""
    stage.run(stage.until_said(pid, "\n"))
    return int(stage.said(pid).split()[0])


def orphan(stage: NodeStage, disguise: str = "") -> int:
    """The pid of an orphan, which has been running for a while when its parent is killed."""
    go = stage.directory / "go"
    os.mkfifo(go)
    parent = stage.shell(f"read go <{go}; {disguise} {SAY_AND_STAY} & exec sleep 1000")
    go.write_text("now\n")  # by now the parent and whatever it had started have the sign of the stage
    pid = pid_said(stage, parent)
    stage.processes.signal(parent, signal.SIGKILL)
    stage.ended(parent)
    return pid


def test_an_orphan_belongs_to_its_stage(stage: NodeStage) -> None:
    pid = orphan(stage)

    assert stage.processes.roots() == [pid]


def test_an_orphan_belongs_to_no_other_stage(world: World, stage: NodeStage, tmp_path: Path) -> None:
    other = world.open(tmp_path / "other")

    orphan(stage)

    assert other.processes.roots() == []


def test_an_orphan_without_environment_belongs_where_it_works(world: World, stage: NodeStage, tmp_path: Path) -> None:
    other = world.open(tmp_path / "other")

    pid = orphan(stage, "env -i")

    assert stage.processes.roots() == [pid]
    assert other.processes.roots() == []


def test_an_orphan_in_disguise_is_known_by_the_sign_of_its_stage(
    world: World, stage: NodeStage, tmp_path: Path
) -> None:
    other = world.open(tmp_path / "other")

    pid = orphan(stage, "setsid env -i -C /")

    assert stage.processes.roots() == [pid]
    assert other.processes.roots() == []
    assert [hidden.pid for hidden in stage.processes.hidden()] == [pid]


def test_an_orphan_without_any_sign_counts_for_every_stage(world: World, stage: NodeStage, tmp_path: Path) -> None:
    other = world.open(tmp_path / "other")

    pid = orphan(stage, "env -i -C / prlimit --rttime=unlimited")

    assert stage.processes.roots() == [pid]
    assert other.processes.roots() == [pid]


def test_an_orphan_ends_with_its_stage(stage: NodeStage) -> None:
    pid = orphan(stage)

    left = stage.run(stage.processes.end())

    assert left == []
    assert not psutil.pid_exists(pid)


def test_what_a_child_leaves_behind_is_found_while_its_parent_lives(stage: NodeStage) -> None:
    parent = stage.shell("sh -c 'sleep 1000 & echo $!'; echo waited; exec sleep 1000")

    stage.run(stage.until_said(parent, "waited"))

    pid = pid_said(stage, parent)
    assert stage.processes.roots() == [parent, pid]


def test_an_orphan_that_ended_is_waited_for(stage: NodeStage) -> None:
    pid = orphan(stage)

    stage.processes.signal(pid, signal.SIGKILL)
    select.select([os.pidfd_open(pid)], [], [], LIMIT_S)
    stage.ended(stage.shell("true"))

    assert not psutil.pid_exists(pid)


def test_the_status_of_a_program_is_not_taken(stage: NodeStage) -> None:
    pids = [stage.shell(f"{SAY_AND_STAY} & exit {code}") for code in range(5)]

    codes = [stage.ended(pid) for pid in pids]

    assert codes == list(range(5))


def test_children_that_were_there_before_are_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as before:
        with World() as world:
            stage = world.open(tmp_path / "stage")
            roots = stage.processes.roots()

        before.terminate()

    assert roots == []
    assert before.returncode == -15


def test_the_world_leaves_no_orphan_in_disguise(tmp_path: Path) -> None:
    with World() as world:
        pid = orphan(world.open(tmp_path / "stage"), "env -i -C /")

    assert not psutil.pid_exists(pid)


def test_descendants_come_parents_first_and_once(stage: NodeStage) -> None:
    parent = stage.shell("sh -c 'sleep 1000 & echo $$ $!; wait'; true")
    stage.run(stage.until_said(parent, "\n"))
    child, grandchild = map(int, stage.said(parent).split())

    found = descendants([parent, child])

    assert found == [parent, child, grandchild]


def test_a_process_that_is_gone_has_no_children(stage: NodeStage) -> None:
    pid = stage.shell("true")

    stage.ended(pid)

    assert children(pid) == []
    assert pid not in children(os.getpid())


def test_a_world_that_ends_kills_what_it_started_and_nobody_ended(tmp_path: Path) -> None:
    with World() as world:
        pid = world.open(tmp_path / "stage").shell("exec sleep 1000")
        world.forget_stages()

    assert not psutil.pid_exists(pid)
