"""A world for the tests of a module, and stages in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import settings
from harness.scenario_hooks import TOPOLOGY
from harness.stage import Stage
from harness.world_process import World, end_world, start_world

Opener = Callable[[], Stage]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running world."""
    running = start_world(tmp_path_factory.mktemp("w"))
    yield running
    end_world(running)
    said = running.log.read_text()
    assert said == "", said


@pytest.fixture
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage on its own clock, without any program; closed at the end."""
    opened = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    yield opened
    opened.close()


def open_stage(world: World, directory: Path, *, shared: bool = False) -> Stage:
    """A stage on its own clock, without any program."""
    return Stage(world.socket, directory, TOPOLOGY, settings.read({}), lambda event: None, shared=shared)
