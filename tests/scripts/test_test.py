"""scripts/test: every check in turn, the first that fails named with the command that repeats it."""

import subprocess
from pathlib import Path

import pytest

from tests.machine import LIMIT_S, Machine

TOOL = '#!/bin/sh\nprintf "%s %s\\n" "${0##*/}" "$*" >>"$CALLS"\n[ "${0##*/}" != "$FAILING" ]\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which the developer tools are installed, each a shell script that fails when FAILING names it."""
    machine = Machine(tmp_path)
    for name in ("scripts/test", "scripts/sentences", "scripts/null-products"):
        machine.copy(name)
    for name in ("git", "ssh"):
        machine.program(name, TOOL)
    machine.set_up("dev")
    for name in ("ruff", "mypy", "behave"):
        machine.program(name, TOOL)
        (machine.path / name).rename(machine.venv / "bin" / name)
    return machine


def run(machine: Machine, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [machine.project / "scripts/test", *arguments],
        env=machine.environment(**{"FAILING": "", **environment}),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


def test_all_checks_pass_and_the_last_line_counts_them(machine: Machine) -> None:
    done = run(machine)

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"checks: {done.stdout.count('=== ') - 1} passed, 0 failed"


def test_the_closing_table_says_on_which_python_and_shows_the_slowest_of_each_check(machine: Machine) -> None:
    durations = "".join(f"0.{tenth}0s call     tests/test_x.py::test_{tenth}\n" for tenth in range(1, 8))
    machine.program("mypy", f"#!/bin/sh\nprintf '{durations}'")
    (machine.path / "mypy").rename(machine.venv / "bin" / "mypy")

    _, _, table = run(machine, BEHAVE="echo '[1/2] passed: EC3  x (1.25 s)'").stdout.partition("=== all passed in ")

    assert " on Python 3.11" in table.splitlines()[0]
    assert "1.25 s  [1/2] passed: EC3  x" in table
    shown = [line.split("::")[1] for line in table.splitlines() if "::" in line]
    assert shown == [f"test_{tenth}, call" for tenth in (7, 6, 5, 4, 3)]


def test_what_cannot_be_checked_by_this_user_is_said(machine: Machine) -> None:
    machine.program("id", "#!/bin/sh\necho 1000")

    *_, row, last = run(machine).stdout.splitlines()

    assert row.startswith("not checked here: ")
    assert last.startswith("checks: ")


def test_a_machine_without_namespaces_is_said_with_the_reason(machine: Machine) -> None:
    said = run(machine, FORBIDDEN="nodes that are machines of their own: a limit").stdout

    assert "\nnot checked here: nodes that are machines of their own: a limit\n" in said


def test_with_insist_what_cannot_be_checked_is_a_failure(machine: Machine) -> None:
    machine.program("id", "#!/bin/sh\necho 0")
    for tool in ("curl", "sqlite3"):
        machine.program(tool, "#!/bin/sh\n")
    done = run(machine, "--insist", "lint", FORBIDDEN="nodes that are machines of their own: a limit")

    assert (done.returncode, done.stdout) == (2, "")
    assert "not checked here: nodes that are machines of their own: a limit\n" in done.stderr
    assert run(machine, "--insist", "lint").stdout.endswith("checks: 1 passed, 0 failed\n")


def test_checks_can_be_chosen_by_their_names(machine: Machine) -> None:
    done = run(machine, "types", "sentences")

    assert [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("=== ") and ": " in line] == [
        "=== types",
        "=== sentences",
    ]
    assert done.stdout.splitlines()[-1] == "checks: 2 passed, 0 failed"


def test_checks_run_in_this_order(machine: Machine) -> None:
    said = run(machine).stdout

    names = [line[4:].split(":")[0] for line in said.splitlines() if line.startswith("=== ") and ":" in line]
    suites = ["dry-run", "suite", "suite-addresses", "null-products"]
    assert names == ["environment", "lint", "layout", "types", "unit", "sentences", *suites]


def test_first_failing_check_ends_it_with_the_command_that_repeats_it(machine: Machine) -> None:
    done = run(machine, FAILING="mypy")

    assert done.returncode == 1
    assert "FAILED: types" in done.stderr
    assert done.stderr.splitlines()[-1].strip() == ".venv/bin/mypy"
    assert "=== unit" not in done.stdout


def test_missing_tool_is_told_and_nothing_is_skipped(machine: Machine) -> None:
    (machine.path / "ssh").unlink()

    done = run(machine)

    assert done.returncode == 2
    assert "ssh is missing" in done.stderr
    assert "apt-get install openssh-client" in done.stderr


def test_a_check_that_there_is_not_is_refused_with_those_that_there_are(machine: Machine) -> None:
    done = run(machine, "lint", "--fast")

    assert done.returncode == 2
    assert "there is no check '--fast'; there are: environment lint" in done.stderr
    assert "=== lint" not in done.stdout


def test_what_the_user_has_set_does_not_choose_other_tests(machine: Machine) -> None:
    said = run(
        machine, LLORCH_BDD_FEATURE_PATH="features/x.feature", BEHAVE='echo "path:$LLORCH_BDD_FEATURE_PATH."'
    ).stdout

    assert "path:." in said


def test_home_of_the_checks_is_not_that_of_the_user_and_is_removed(machine: Machine) -> None:
    said = run(machine, BEHAVE='echo "home:$HOME"').stdout

    homes = [line.removeprefix("home:") for line in said.splitlines() if line.startswith("home:")]
    assert homes
    assert str(machine.path.parent) not in homes
    assert not any(Path(home).exists() for home in homes)
