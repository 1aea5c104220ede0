"""bin/bdd-runner: from anywhere, with everything that the user typed, and with the exit code of what it started."""

import subprocess
from pathlib import Path

import pytest

from tests.machine import LIMIT_S, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def run(machine: Machine, *arguments: str, program: Path | None = None, **environment: str) -> tuple[int, list[str]]:
    """Run bin/bdd-runner in another directory: exit code, and the working directory and arguments that behave got."""
    command = [str(program or machine.project / "bin/bdd-runner"), *arguments]
    elsewhere = machine.path
    done = subprocess.run(
        command, env=machine.environment(**environment), cwd=elsewhere, capture_output=True, text=True, timeout=LIMIT_S
    )
    return done.returncode, done.stdout.splitlines()


def test_runs_in_the_project_with_every_argument_as_it_was_typed(machine: Machine) -> None:
    typed = ["features/test-001.feature:949", "-D", "keeper=a b", "--no-capture", ""]

    assert run(machine, *typed) == (0, [str(machine.project), *typed])


def test_works_through_a_symbolic_link(machine: Machine) -> None:
    link = machine.path / "bdd"
    link.symlink_to(machine.project / "bin/bdd-runner")

    assert run(machine, "-v", program=link) == (0, [str(machine.project), "-v"])


def test_exit_code_is_that_of_the_suite(machine: Machine) -> None:
    assert run(machine, "-v", BEHAVE="exit 124")[0] == 124


def test_feature_path_and_log_level_reach_the_suite(machine: Machine) -> None:
    code, said = run(
        machine,
        LLORCH_BDD_FEATURE_PATH="features/x.feature:3",
        RUST_LOG="debug",
        BEHAVE='echo "$LLORCH_BDD_FEATURE_PATH $RUST_LOG"',
    )

    assert (code, said[-1]) == (0, "features/x.feature:3 debug")


def test_impossible_set_up_ends_it_with_its_exit_code(machine: Machine) -> None:
    assert run(machine, "-v", VERSION="3.9") == (2, [])
