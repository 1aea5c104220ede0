"""docs/performance.md, from made-up figures."""

from pathlib import Path

from harness.bench.measure import Cost, Figures, Thing
from harness.bench.page import Grown, page
from harness.bench.parts import Parts


def figures(*walls_s: float) -> Figures:
    return Figures([Cost(wall_s, wall_s, 7) for wall_s in walls_s], [Cost(0.5, 0.5, 1) for _ in walls_s])


def written() -> str:
    things = [Thing("the suite", ["true"], Path(), 20.0)]
    parts = Parts({"world": 3.0, "queen": 1.0}, {"runner": 50, "world": 60, "warm parent": 70})
    growth = [Grown(1, Cost(8.0, 8.0, 7), parts), Grown(4, Cost(40.0, 40.0, 28), parts, each=1.25)]
    return page(things, {"the suite": figures(8.0, 9.0, 10.0)}, growth, "abc1234")


def test_a_cost_has_its_median_least_spread_and_promise() -> None:
    assert "| the suite | 3 | **18.0 F** | 16.0 F | 22% | at most 20 F | 18.0 | 7 |" in written()


def test_the_part_that_takes_most_comes_first() -> None:
    assert "| world | 3.00 | 75% |\n| queen | 1.00 | 25% |" in written()


def test_growth_is_told_by_feature_with_the_memory() -> None:
    assert "| 4 times | 40.0 | 1.25 times | 50 MB | 60 MB | 70 MB |" in written()


def test_the_commit_is_told() -> None:
    assert "Commit abc1234" in written()
