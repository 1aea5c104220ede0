"""scripts/set-up: the first installation, what can be in its way, and that it is done once."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.machine import LIMIT_S, PYTHON, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_first_time_installs_and_says_so(machine: Machine) -> None:
    code, said = machine.set_up()

    assert code == 0
    assert "Installing the project" in said
    assert machine.asked("-m pip") == 1


def test_second_time_costs_nothing(machine: Machine) -> None:
    machine.set_up()
    calls = machine.calls.read_text()

    assert machine.set_up() == (0, "")
    assert machine.calls.read_text() == calls


@pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml", "bin/bdd-runner"])
def test_changed_settings_are_installed(machine: Machine, name: str) -> None:
    machine.set_up()
    with (machine.project / name).open("a") as file:
        file.write("# changed\n")

    assert machine.set_up()[0] == 0
    assert machine.asked("-m pip") == 2


def test_moved_project_is_installed_again(machine: Machine) -> None:
    machine.set_up()
    machine.project = machine.project.rename(machine.project.with_name("moved"))

    assert machine.set_up()[0] == 0
    assert machine.asked("-m venv") == 2


def test_developer_tools_are_added_to_what_is_there(machine: Machine) -> None:
    machine.set_up()

    assert machine.set_up("dev")[0] == 0
    assert (machine.asked("-m venv"), machine.asked("-m pip")) == (1, 2)
    assert "project[dev]" in (machine.venv / "install.log").read_text()


def test_developer_tools_stay_when_the_settings_change(machine: Machine) -> None:
    machine.set_up("dev")
    with (machine.project / "setup.cfg").open("a") as file:
        file.write("# changed\n")

    assert machine.set_up()[0] == 0
    assert "project[dev]" in (machine.venv / "install.log").read_text()


def test_with_developer_tools_nothing_is_missing_for_the_suite(machine: Machine) -> None:
    machine.set_up("dev")

    assert machine.set_up() == (0, "")


REFUSALS: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "Python too old": ({"VERSION": "3.9"}, ["Python 3.11 or newer", "python3 is 3.9", "apt-get install python3"]),
    "no venv module": ({"VENV_MODULE": "no"}, ["no venv module", "apt-get install python3.11-venv"]),
    "no network": (
        {"PIP": "echo 'Failed to establish a new connection: Name or service not known'; exit 1"},
        ["needs a network", "PIP_INDEX_URL", "Failed to establish"],
    ),
    "pip fails": ({"PIP": "echo 'error: metadata is wrong'; exit 1"}, ["pip could not install", "metadata is wrong"]),
}


@pytest.mark.parametrize(("environment", "words"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_is_in_the_way_is_told_with_a_way_out(
    machine: Machine, environment: Mapping[str, str], words: list[str]
) -> None:
    code, said = machine.set_up(**environment)

    assert code == 2
    assert [word for word in words if word not in said] == []


def test_no_python_is_told_with_a_way_out(machine: Machine) -> None:
    (machine.path / "python3").unlink()

    code, said = machine.set_up()

    assert code == 2
    assert "Python 3.11 or newer is needed, but none is on the PATH" in said


def test_newer_python_beside_an_old_one_is_taken(machine: Machine) -> None:
    machine.program("python3", "#!/bin/sh\necho 3.9\nexit 1\n")
    machine.program("python3.12", PYTHON)

    assert machine.set_up(VERSION="3.12")[0] == 0


def test_other_system_than_linux_is_refused(machine: Machine) -> None:
    machine.program("uname", "#!/bin/sh\necho Darwin\n")

    code, said = machine.set_up()

    assert code == 2
    assert "needs Linux" in said
    assert "Darwin" in said


def test_interrupted_installation_is_noticed_and_redone(machine: Machine) -> None:
    machine.set_up(PIP=': >"$(dirname "$0")/half"; kill -9 $PPID; exit 1')
    assert (machine.venv / "bin" / "half").exists()

    assert machine.set_up()[0] == 0
    assert not (machine.venv / "bin" / "half").exists()


def test_interrupted_addition_is_noticed(machine: Machine) -> None:
    machine.set_up()
    machine.set_up("dev", PIP="kill -9 $PPID; exit 1")

    assert machine.set_up()[0] == 0
    assert machine.asked("-m pip") == 3


def test_environment_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.set_up()
    (machine.venv / "bin" / "python").unlink()

    assert machine.set_up()[0] == 0
    assert machine.asked("-m venv") == 2


def test_second_of_two_at_once_waits_and_finds_the_work_done(machine: Machine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    first = machine.start(PIP=f"read go <{gate}")
    assert first.stderr is not None
    first.stderr.readline()  # it holds the lock by then
    second = machine.start()
    assert second.stderr is not None
    waiting = second.stderr.readline()

    gate.write_text("go\n")

    assert "waiting" in waiting
    for process in (first, second):
        process.communicate(timeout=LIMIT_S)
    assert (first.returncode, second.returncode) == (0, 0)
    assert machine.asked("-m pip") == 1
