"""A short run of scenarios that misbehave; scripts/torture has long ones."""

from __future__ import annotations

from tests.harness.runner.torture import draw, torture


def test_nothing_that_a_scenario_does_costs_a_verdict() -> None:
    assert torture(seed=1, scenarios=60) == []


def test_same_seed_is_the_same_torture() -> None:
    assert draw(7, 20) == draw(7, 20) != draw(8, 20)
