"""Measuring: what a run costs, and its ratio to F."""

import sys
from pathlib import Path

import pytest

from harness.bench.measure import Cost, Failed, Figures, Thing, compare, cost_of


def thing(code: str, directory: Path) -> Thing:
    return Thing("a thing", [sys.executable, "-c", code], directory)


def test_processor_time_is_that_of_all_below(tmp_path: Path) -> None:
    burn = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(5_000_000))'])"

    assert cost_of(thing(burn, tmp_path)).cpu_s > cost_of(thing("pass", tmp_path)).cpu_s


def test_processes_that_begin_meanwhile_are_counted(tmp_path: Path) -> None:
    assert cost_of(thing("import os; [os.wait() for _ in range(9) if os.fork() or os._exit(0)]", tmp_path)).begun >= 10


def test_who_follows_is_told_the_process(tmp_path: Path) -> None:
    followed: list[int] = []

    cost_of(thing("pass", tmp_path), followed.append)

    assert len(followed) == 1


def test_a_thing_that_fails_is_said_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="a thing: exit code 3\nalas"):
        cost_of(thing("print('alas'); exit(3)", tmp_path))


def test_a_ratio_is_to_the_f_beside_it() -> None:
    figures = Figures(
        costs=[Cost(2.0, 1.0, 9), Cost(6.0, 1.0, 9)],
        beside=[Cost(0.5, 0.5, 1), Cost(1.0, 0.5, 1)],
    )

    assert (figures.ratios, figures.cpu_ratio, figures.spread) == ([4.0, 6.0], 2.0, 0.4)


def test_every_thing_is_run_as_often_as_is_wanted(tmp_path: Path) -> None:
    things = [Thing(name, ["true"], tmp_path) for name in ("one", "other")]

    figures = compare(things, runs=2)

    assert {name: len(of.costs) for name, of in figures.items()} == {"one": 2, "other": 2}
