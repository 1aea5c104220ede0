"""Two stages side by side: on one a program writes at random to all that there is, the other must not notice."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.world_process import World
from tests.harness.world.test_cases import expect_unharmed, misbehave, stages, warm_parent_of, world

__all__ = ["world"]

FUZZER = Path(__file__).with_name("fuzzer.py")
SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_stages_programs_write_another_stage_is_unharmed(
    world: World, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    ours, others = stages(world, tmp_path_factory)
    warm_parent = warm_parent_of(world)

    with ThreadPoolExecutor(1) as beside:
        misbehaving = beside.submit(misbehave, ours, f"{sys.executable} {FUZZER} {seed}")
        while not misbehaving.done():
            expect_unharmed(world, others, warm_parent)

    expect_unharmed(world, others, warm_parent)
    for stage in (ours, others):
        stage.close()
