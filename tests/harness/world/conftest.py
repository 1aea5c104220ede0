"""What many tests of the world begin with: a network, and a hive in it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.harness.world.network_stage import NetworkStage


@pytest.fixture
def stage() -> Iterator[NetworkStage]:
    """The network of a stage, in a loop of its own."""
    with NetworkStage() as stage:
        yield stage


@pytest.fixture
def hive(stage: NetworkStage) -> socket.socket:
    """A socket that listens where the hive of workstation does."""
    return stage.listen("workstation", 29200)
