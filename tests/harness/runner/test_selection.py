"""What a run consists of, in which order, and how it is told when that is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from behave.configuration import Configuration
from behave.runner_util import collect_feature_locations, parse_features

from harness.runner.history import load, save
from harness.runner.options import WrongUse
from harness.runner.plan import Plan, check_addresses, make
from tests.harness.runner.project import Project

WRONG_USE = 2
MIXED_FEATURE = """
Feature: Mixed
  Scenario: first
    Given it passes

  @wip
  Scenario: second
    Given it passes

  Scenario Outline: third <number>
    Given the number <number> is there

    Examples:
      | number |
      | 1      |
      | 2      |

  Rule: a rule
    Scenario: fourth
      Given it passes
# the end
"""


@pytest.fixture
def mixed(project: Project) -> Project:
    """Two feature files with scenarios of all kinds."""
    project.write("features/a.feature", MIXED_FEATURE)
    project.feature("alone: it passes", name="b")
    project.write("list.txt", "features/a.feature:3\n# a comment\nfeatures/b.feature\n")
    return project


def planned(project: Project, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Plan:
    """The plan for these arguments, made without running behave."""
    monkeypatch.chdir(project.directory)
    config = Configuration(list(arguments), load_config=False)
    locations = collect_feature_locations(config.paths or ["features"])
    features = parse_features(locations)
    check_addresses(locations, features)
    return make(features, config)


def test_outlines_rules_and_several_files(mixed: Project) -> None:
    ran = mixed.behave()

    assert ran.code == 0
    names = ["first", "second", "third 1 -- @1.1", "third 2 -- @1.2", "fourth", "alone"]
    assert [event["name"].strip() for event in ran.of("planned")] == names
    assert "2 features passed, 0 failed, 0 skipped\n6 scenarios passed, 0 failed, 0 skipped\n" in ran.out


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["features/a.feature:3"], ["first"]),
        (["features/a.feature:4", "features/b.feature"], ["first", "alone"]),
        (["features/a.feature:16"], ["third 2 -- @1.2"]),
        (["features/a.feature:10"], ["third 1 -- @1.1", "third 2 -- @1.2"]),
        (["features/a.feature:19"], ["fourth"]),
        (["features/a.feature:20"], ["fourth"]),
        (["--name", "f.r"], ["first"]),
        (["--name", "alone", "--name", "fourth"], ["fourth", "alone"]),
        (["--tags", "wip"], ["second"]),
        (["@list.txt"], ["first", "alone"]),
    ],
)
def test_selection(mixed: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], names: list[str]) -> None:
    plan = planned(mixed, monkeypatch, *arguments)

    assert [each.scenario.name.strip() for each in plan.planned] == names
    assert [each.number for each in plan.planned] == list(range(1, len(names) + 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tags", "nope"], "nothing to run: 6 scenarios found, 6 left out by --tags='nope'"),
        (["--tags", "not @wip", "features/a.feature:7"], "1 left out by @wip (such as features/a.feature:7 second)"),
        (["--name", "nope"], "6 left out by --name nope"),
        (["features/a.feature:999"], "features/a.feature:999 is past the last scenario; the nearest is features/a.fea"),
        (["features/a.feature:21"], "the nearest is features/a.feature:19 fourth"),
    ],
)
def test_nothing_to_run_is_told_with_the_reason(
    mixed: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    with pytest.raises(WrongUse) as raised:
        planned(mixed, monkeypatch, *arguments)

    assert message in str(raised.value)


def test_what_tags_and_names_leave_out_is_counted(mixed: Project) -> None:
    ran = mixed.behave("--tags", "not @wip", "--name", "third")

    assert "2 scenarios passed, 0 failed, 0 skipped\n" in ran.out
    assert "\n1 left out by @wip\n" in ran.out
    assert "\n3 left out by --name third\n" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tags", "nope"], "nothing to run: 6 scenarios found, 6 left out by --tags='nope'"),
        (["features/a.feature:999"], "features/a.feature:999 is past the last scenario"),
        (["features/no.feature:3"], "features/no.feature"),
        (["@no.txt"], "no.txt"),
        (["nowhere"], "nowhere"),
        (["-D", "order=wild"], "-D order=wild: there is no such order; use one of: plan, longest, random"),
        (["-D", "run_dir=/proc/nope"], "the run's folder cannot be made"),
        (["-D", "run_dir=/proc/self"], "is not empty: name another one with -D run_dir=PATH"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(mixed: Project, arguments: list[str], message: str) -> None:
    ran = mixed.behave(*arguments)

    assert ran.code == WRONG_USE
    assert message in ran.err
    assert "Traceback" not in ran.err + ran.out


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("features/steps/bad.py", "import nothing_like_that\n", "features/steps/bad.py:1: ModuleNotFoundError"),
        ("features/steps/bad.py", "def (", "SyntaxError"),
        ("features/environment.py", "raise OSError('no')\n", "features/environment.py:1: OSError: no"),
        ("features/steps/twice.py", "from behave import *\n@step('it passes')\ndef x(c): pass\n", "AmbiguousStep"),
        ("features/bad.feature", "Nonsense\n", "bad.feature"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_place(project: Project, path: str, text: str, message: str) -> None:
    project.feature("one: it passes")
    project.write(path, text)

    ran = project.behave()

    assert ran.code == WRONG_USE
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_steps_that_cannot_be_loaded_leave_nothing_of_the_run(project: Project) -> None:
    project.feature("one: it passes")
    project.write("features/steps/bad.py", "def (")
    project.write(
        "features/environment.py",
        """
def before_all(context): print("begun")
def after_all(context): print("ended")
""",
    )
    project.write("report.json", "the report of an earlier run")

    ran = project.behave("-f", "json", "-o", "report.json")

    assert ran.code == WRONG_USE
    assert ran.out.endswith("begun\nended\n")
    assert not project.run_dir.exists()
    assert (project.directory / "report.json").read_text() == "the report of an earlier run"


def test_same_seed_gives_the_same_order(project: Project) -> None:
    project.feature(*(f"number {n}: it passes" for n in range(12)))

    first, again = (project.behave("-D", "order=random", "-D", "seed=7", "-j", "2") for _ in range(2))
    other = project.behave("-D", "order=random", "-j", "2")

    orders = [[event["number"] for event in ran.of("attempt_started")] for ran in (first, again, other)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert "order: random (seed 7)" in first.err
    assert "Order: random, again by -D order=random -D seed=7" in first.out
    assert sorted(orders[2]) == list(range(1, 13))


def test_longest_of_last_time_is_begun_first(project: Project) -> None:
    project.feature("short: it passes", "long: it passes", "middle: it passes")
    project.behave()
    [kept] = project.directory.glob(".local/state/rbee-bdd/durations/*.json")
    durations_s = {name: {"short": 0.1, "long": 0.3, "middle": 0.2}[name.rpartition(":")[2]] for name in load(kept)}
    save(kept, durations_s)
    project.feature("short: it passes", "long: it passes", "middle: it passes", "new: it passes")

    ran = project.behave("-D", "order=longest", "-D", "jobs=1")

    assert [event["name"] for event in ran.of("planned")] == ["new", "long", "middle", "short"]
    assert [event["expected_s"] is None for event in ran.of("planned")] == [True, False, False, False]


def test_history_that_cannot_be_kept_is_said_once_and_does_no_harm(project: Project) -> None:
    project.feature("one: it passes")
    Path(project.directory, ".local").write_text("not a directory")

    ran = project.behave()

    assert ran.code == 0
    assert ran.err.count("the durations of this run are not kept for the next") == 1


def test_red_scenario_names_the_command_that_repeats_it(project: Project) -> None:
    project.feature("@wip bad: it fails")

    ran = project.behave("--tags", "wip", "-D", "keeper=/bin/true", "-D", "order=random", "-D", "seed=1")

    assert ran.verdict("bad")["again"] == "behave -D keeper=/bin/true --tags=wip features/one.feature:4"


def test_dry_run_executes_nothing(project: Project) -> None:
    project.feature("one: it fails")
    project.write("features/environment.py", 'def before_all(context): print("begun")\n')

    ran = project.behave("--dry-run")

    assert ran.code == 0
    assert "begun" not in ran.out
    assert "1 untested" in ran.out


def test_dry_run_with_an_unknown_sentence_is_red(project: Project) -> None:
    project.feature("one: it is a riddle")

    ran = project.behave("--dry-run")

    assert ran.code == 1


def test_dry_run_of_nothing_is_wrong_use(project: Project) -> None:
    project.feature("one: it passes")

    assert project.behave("--dry-run", "--tags", "nope").code == WRONG_USE


def test_steps_catalog_needs_no_plan(project: Project) -> None:
    project.feature("@wip one: it passes")

    ran = project.behave("--steps-catalog", "--tags", "not @wip")

    assert ran.code == 0
    assert "it passes" in ran.out
