"""scripts/progress: from the log that is named, or from a run of its own whose exit code it passes on."""

import subprocess
from pathlib import Path

import pytest

from tests.machine import LIMIT_S, Machine

WRITE_PAGE = "-m harness.report.progress_page"
RUN_SUITE = "-m harness.command"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.copy("scripts/progress")
    machine.set_up()
    return machine


def run(machine: Machine, *arguments: str, **environment: str) -> int:
    command = [str(machine.project / "scripts/progress"), *arguments]
    return subprocess.run(command, env=machine.environment(**environment), timeout=LIMIT_S, check=False).returncode


def test_named_log_is_used_without_a_run(machine: Machine) -> None:
    assert run(machine, "events.jsonl") == 0
    assert (machine.asked(RUN_SUITE), machine.asked(WRITE_PAGE)) == (0, 1)


def test_without_a_log_the_suite_is_run_and_a_red_one_is_written_too(machine: Machine) -> None:
    assert run(machine, BEHAVE="exit 1") == 1
    assert (machine.asked(RUN_SUITE), machine.asked(WRITE_PAGE)) == (1, 1)


def test_two_logs_are_refused(machine: Machine) -> None:
    assert run(machine, "one.jsonl", "two.jsonl") == 2
    assert machine.asked(WRITE_PAGE) == 0
