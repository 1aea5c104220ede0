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
    """A running world, where nodes are kept apart as is usual on this machine."""
    running = start_world(tmp_path_factory.mktemp("w"), namespaces=settings.read({}).isolation == "namespaces")
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


def open_stage(world: World, directory: Path, *, shared: bool = False, **userdata: str) -> Stage:
    """A stage on its own clock, without any program; `userdata` are settings of another value than usual."""
    return Stage(world.socket, directory, TOPOLOGY, settings.read(userdata), lambda event: None, shared=shared)
