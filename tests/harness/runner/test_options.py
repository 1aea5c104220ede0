"""The options of the runner: the command line, the environment."""

from __future__ import annotations

import os

import pytest
from behave.configuration import Configuration

from harness.runner import options
from harness.runner.options import Options, WrongUse


def read(*arguments: str, **environ: str) -> Options:
    """The options for these arguments in this environment."""
    return options.read(Configuration(list(arguments), load_config=False, jobs=0), environ)


def test_what_holds_when_nothing_is_said() -> None:
    chosen = read()

    assert (chosen.order, chosen.limit_s, chosen.run_limit_s) == ("plan", options.LIMIT_S, options.RUN_LIMIT_S)
    assert chosen.jobs == len(os.sched_getaffinity(0)) + 1
    assert chosen.run_dir is None
    assert not chosen.stop


@pytest.mark.parametrize(
    ("arguments", "environ", "jobs"),
    [
        (["-j", "5"], {}, 5),
        ([], {"RBEE_BDD_JOBS": "7"}, 7),
        (["-j", "5"], {"RBEE_BDD_JOBS": "7"}, 5),
        (["-j", "5", "-D", "jobs=6"], {"RBEE_BDD_JOBS": "7"}, 6),
        (["-D", "jobs=auto"], {"RBEE_BDD_JOBS": "7"}, len(os.sched_getaffinity(0)) + 1),
        ([], {"RBEE_BDD_JOBS": "auto"}, len(os.sched_getaffinity(0)) + 1),
        (["-j", "5", "--no-capture"], {}, 1),
        (["-j", "5", "-D", "pause"], {}, 1),
    ],
)
def test_number_of_jobs(arguments: list[str], environ: dict[str, str], jobs: int) -> None:
    assert read(*arguments, **environ).jobs == jobs


@pytest.mark.parametrize(
    ("define", "message"),
    [
        ("order=wild", "-D order=wild: there is no such order; use one of: plan, longest, random"),
        ("seed=x", "-D seed=x: a whole number of at least 0 is needed"),
        ("seed=-1", "-D seed=-1: a whole number of at least 0 is needed"),
        ("limit_s=0", "-D limit_s=0: a number of seconds above 0 is needed"),
        ("limit_s=soon", "-D limit_s=soon: a number of seconds above 0 is needed"),
        ("run_limit_s=nan", "-D run_limit_s=nan: a number of seconds above 0 is needed"),
        ("jobs=0", "-D jobs=0: a whole number of at least 1 is needed"),
        ("pause=maybe", "-D pause=maybe: yes or no is needed"),
    ],
)
def test_value_that_cannot_be_used_is_told(define: str, message: str) -> None:
    with pytest.raises(WrongUse) as raised:
        read("-D", define)

    assert str(raised.value) == message


def test_value_of_the_environment_that_cannot_be_used_is_told() -> None:
    with pytest.raises(WrongUse, match="RBEE_BDD_JOBS=many: a whole number of at least 1 is needed"):
        read(RBEE_BDD_JOBS="many")


def test_seed_is_kept_or_drawn() -> None:
    assert read("-D", "seed=7").seed == 7
    assert len({read().seed for _ in range(5)}) > 1


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "behave f.feature:3"),
        (["-D", "keeper=/bin/a b", "-D", "order=random", "-D", "seed=1"], "behave -D 'keeper=/bin/a b' f.feature:3"),
        (["--tags", "wip and not slow"], "behave '--tags=wip and not slow' f.feature:3"),
    ],
)
def test_command_that_repeats_a_scenario(arguments: list[str], command: str) -> None:
    config = Configuration(arguments, load_config=False)

    assert options.repeat_command(config, "f.feature:3") == command


def test_tags_of_the_configuration_need_no_repeating() -> None:
    config = Configuration([], load_config=False, default_tags=["not @wip"])

    assert options.repeat_command(config, "f.feature:3") == "behave f.feature:3"
