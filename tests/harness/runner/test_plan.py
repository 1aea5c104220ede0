"""The order in which scenarios are begun, and the history behind it."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

import pytest
from behave.model import Tag
from behave.parser import parse_feature
from hypothesis import given
from hypothesis import strategies as st

from harness.runner import history
from harness.runner.plan import Planned, in_order


def planned(count: int) -> list[Planned]:
    """A plan of so many scenarios."""
    lines = "".join(f"  Scenario: number {n}\n    Given x\n" for n in range(count))
    feature = parse_feature(f"Feature: f\n{lines}", filename="f.feature")
    return [Planned(number, feature, scenario) for number, scenario in enumerate(feature.scenarios, 1)]


@given(st.integers(0, 20), st.sampled_from(["plan", "longest", "random"]), st.integers(0, 1000))
def test_every_order_has_every_scenario_once(count: int, order: str, seed: int) -> None:
    plan = planned(count)

    begun = in_order(plan, order, seed, {"f.feature::number 1": 3.0})

    assert sorted(each.number for each in begun) == list(range(1, count + 1))


@given(st.sampled_from(["plan", "longest", "random"]), st.integers(0, 1000))
def test_who_mostly_waits_is_begun_first(order: str, seed: int) -> None:
    plan = planned(9)
    for each in (plan[3], plan[7]):
        each.scenario.tags.append(Tag("patient", 1))

    begun = in_order(plan, order, seed, {}, "patient")

    assert {each.number for each in begun[:2]} == {4, 8}


@given(st.integers(2, 20), st.integers(0, 1000))
def test_random_order_is_that_of_its_seed(count: int, seed: int) -> None:
    plan = planned(count)

    begun = in_order(plan, "random", seed, {})
    random.random()

    assert in_order(plan, "random", seed, {}) == begun


def test_plan_order_is_that_of_the_files() -> None:
    assert [each.number for each in in_order(planned(3), "plan", 1, {"f.feature::number 2": 9.0})] == [1, 2, 3]


def test_longest_first_and_the_unknown_before_all() -> None:
    durations_s = {"f.feature::number 0": 1.0, "f.feature::number 2": 5.0}

    assert [each.number for each in in_order(planned(3), "longest", 1, durations_s)] == [2, 3, 1]


def test_history_keeps_what_a_run_did_not_touch(tmp_path: Path) -> None:
    path = tmp_path / "below" / "history.json"
    history.save(path, {"a": 1.0, "b": 2.0})

    history.save(path, {"b": 3.0})

    assert history.load(path) == {"a": 1.0, "b": 3.0}
    assert [each.name for each in path.parent.iterdir()] == ["history.json"]


@pytest.mark.parametrize("text", [None, "", "no json", "[1]", '{"a": "x"}', '{"a": null}'])
def test_history_that_cannot_be_read_is_empty(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "history.json"
    if text is not None:
        path.write_text(text)

    assert history.load(path) == {}


def test_durations_are_kept_for_each_project_apart(tmp_path: Path) -> None:
    first = history.place("/project/features", {"HOME": "/home/me"})
    second = history.place("/other/features", {"HOME": "/home/me"})
    elsewhere = history.place("/project/features", {"HOME": "/home/me", "XDG_STATE_HOME": str(tmp_path)})

    assert first.parent == Path("/home/me/.local/state/rbee-bdd/durations")
    assert first != second
    assert elsewhere == tmp_path / "rbee-bdd" / "durations" / first.name


def test_without_a_home_it_is_kept_in_the_temporary_directory() -> None:
    assert history.state({}).is_relative_to(tempfile.gettempdir())


def test_only_what_was_written_last_is_kept(tmp_path: Path) -> None:
    for age, name in enumerate("abc"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))

    history.prune(tmp_path, kept=2)
    history.prune(tmp_path / "nothing", kept=2)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
