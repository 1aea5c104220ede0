"""Programs that misbehave: each file in `cases` is one. Whatever it writes to any socket, page or stream of its stage,
nothing but that stage is the worse for it. A line `# said: …` in it is what the stage says of that."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.link import WorldError
from harness.stage import Stage, StageError
from harness.world_process import World, end_world, start_world
from tests.harness.world_fixture import open_stage

PROJECT = Path(__file__).parents[3]
CASES = Path(__file__).parent / "cases"
HELPERS = ("served",)
HEALTH = "http://workstation.home.arpa:9200/v1/health"
MOST_BYTES = 400 << 20  # of the world's memory: it begins with about 70 MB, and tells 64 MB of a stage at most
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running world with a warm parent."""
    running = start_world(tmp_path_factory.mktemp("w"), warm=True)
    yield running
    end_world(running)


def stages(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Stage]:
    """Two stages side by side; on the second there is a hive that answers."""
    ours, others = (open_stage(world, tmp_path_factory.mktemp("s") / "stage") for _ in range(2))
    others.start("rbee-hive daemon --port 9200", node="workstation")
    assert others.ask_starting("rbee-hive", HEALTH).status_code == 200
    return ours, others


def expect_unharmed(world: World, stage: Stage, warm_parent: int) -> None:
    """On the stage time flows, exchanges pass and programs are forked, in no more memory than there should be."""
    assert stage.ask("GET", HEALTH).status_code == 200
    stage.run("rbee-keeper --version")
    assert stage.evidence.exit_code() == 0
    before_us = stage.now_us
    stage.let_pass(1.5)
    assert stage.now_us == before_us + 1_500_000
    assert warm_parent_of(world) == warm_parent
    assert most_memory(world) < MOST_BYTES
    assert "Traceback" not in world.log.read_text()


def most_memory(world: World) -> int:
    """The most memory, in bytes, that the world has had so far."""
    status = Path(f"/proc/{world.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def warm_parent_of(world: World) -> int:
    """The process id of the world's warm parent."""
    children = psutil.Process(world.process.pid).children()
    return next(child.pid for child in children if "mocks.common.warm" in child.cmdline())


def cases() -> list[str]:
    """The names of all cases."""
    return sorted(path.stem for path in CASES.glob("*.py") if path.stem not in HELPERS)


@pytest.mark.parametrize("case", cases())
def test_a_program_that_misbehaves_harms_its_own_stage_only(
    world: World, tmp_path_factory: pytest.TempPathFactory, case: str
) -> None:
    said = re.search(r"^# said: (.*)$", (CASES / f"{case}.py").read_text(), re.MULTILINE)
    ours, others = stages(world, tmp_path_factory)
    warm_parent = warm_parent_of(world)

    heard = misbehave(ours, f"{sys.executable} {CASES / case}.py")

    expect_unharmed(world, others, warm_parent)
    assert said is None or re.search(said[1], heard), f"wanted {said[1]!r}, heard {heard!r}"
    assert said is not None or heard == "", f"nothing should be said, heard {heard!r}"
    for stage in (ours, others):
        stage.close()


def misbehave(stage: Stage, command_line: str) -> str:
    """Run a program that misbehaves on a stage, and what comes of it there."""
    try:
        stage.run(command_line, env={"PYTHONPATH": str(PROJECT)})
        stage.run("true")
        stage.let_pass(1)
    except (StageError, WorldError) as error:
        return str(error)
    return ""
