"""scripts/nightly: one at a time, silent when green, with a stable exit code, and what it leaves."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine import LIMIT_S, Machine

WEEK_S = 7 * 24 * 60 * 60
# The last word of the suite's command line names the run's folder.
FIND_RUN = "for word; do run=${word#run_dir=}; done; "


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.copy("scripts/nightly")
    for directory in ("features", "harness", "mocks"):
        (machine.project / directory).mkdir()
    scripts = {proof: f'echo "{proof}: all well"; eval "$PROOF"' for proof in ("null-products", "lies")}
    scripts |= {name: f'echo "{name}: $*"; eval "${name.upper()}"' for name in ("hostile", "torture")}
    for name, script in scripts.items():
        (machine.project / "scripts" / name).write_text(f"#!/bin/sh\n{script}\n")
        (machine.project / "scripts" / name).chmod(0o755)
    return machine


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A named pipe: a suite that reads it runs until something is written there."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def start(machine: Machine, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [machine.project / "scripts/nightly"],
        env=machine.environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=LIMIT_S)
    return process.returncode, said


@pytest.fixture
def running(machine: Machine, gate: Path) -> Iterator[subprocess.Popen[str]]:
    """One that has begun its suite, and goes on until the gate is opened."""
    began = gate.with_name("began")
    os.mkfifo(began)
    process = start(machine, BEHAVE=f'case "$*" in *run_dir=*) echo >{began}; read go <{gate};; esac')
    began.read_text()
    yield process
    process.kill()
    process.communicate(timeout=LIMIT_S)


def nights(machine: Machine) -> list[Path]:
    return sorted(path for path in (machine.project / "nightly").iterdir() if path.is_dir())


def test_green_night_is_silent_and_leaves_a_dated_summary(machine: Machine) -> None:
    assert finish(start(machine, BEHAVE="echo '62 scenarios passed'")) == (0, "")

    (night,) = nights(machine)
    summary = (night / "summary.txt").read_text()
    assert summary.startswith(f"{night.name}: exit code 0")
    assert "62 scenarios passed" in summary


def test_summary_leaves_out_what_passed_and_names_the_folder_where_it_lies_now(machine: Machine) -> None:
    say = 'echo "[1/2] passed: EC3"; echo "[2/2] failed: EC4"; echo "kept in $run/2"; exit 1'

    _, said = finish(start(machine, BEHAVE=FIND_RUN + say))

    assert "EC3" not in said
    assert f"[2/2] failed: EC4\nkept in {nights(machine)[0]}/run/2\n" in said


def test_after_a_green_suite_null_products_and_lies_follow_and_a_red_one_is_shown(machine: Machine) -> None:
    ended, said = finish(start(machine, BEHAVE="echo '62 scenarios passed'", PROOF="exit 1"))

    assert ended == 1
    assert "null-products: all well" in said
    assert not (nights(machine)[0] / "lies.log").exists()


def test_after_a_red_suite_nothing_is_proven(machine: Machine) -> None:
    finish(start(machine, BEHAVE="exit 1"))

    assert not (nights(machine)[0] / "null-products.log").exists()


@pytest.mark.parametrize("code", [1, 2, 124])
def test_red_night_shows_its_summary_and_passes_the_exit_code_on(machine: Machine, code: int) -> None:
    ended, said = finish(start(machine, BEHAVE=f"echo 'failed: EC4'; exit {code}"))

    assert ended == code
    assert "failed: EC4" in said
    assert str(nights(machine)[0]) in said


def test_what_makes_a_run_impossible_is_said(machine: Machine) -> None:
    code, said = finish(start(machine, VERSION="3.9"))

    assert code == 2
    assert "Python 3.11 or newer is needed" in said


def test_folder_of_the_run_is_kept_with_the_night(machine: Machine) -> None:
    finish(start(machine, BEHAVE=FIND_RUN + 'mkdir "$run"; echo "{}" >"$run/events.jsonl"'))

    assert (nights(machine)[0] / "run" / "events.jsonl").read_text() == "{}\n"


def summary_of_last(machine: Machine) -> str:
    summaries = [night / "summary.txt" for night in nights(machine)]
    return max(summaries, key=lambda summary: summary.stat().st_mtime_ns).read_text()  # names tell seconds only


def test_what_is_proven_is_left_out_until_something_it_looks_at_changes(machine: Machine) -> None:
    finish(start(machine))
    assert "left out" not in summary_of_last(machine)

    finish(start(machine))
    assert "left out: null-products, green on 20" in summary_of_last(machine)
    assert "left out: lies, green on 20" in summary_of_last(machine)
    assert "all well" not in summary_of_last(machine)

    (machine.project / "harness" / "new.py").touch()
    finish(start(machine))
    assert "lies: all well" in summary_of_last(machine)


def test_a_proof_that_is_a_week_old_is_made_anew(machine: Machine) -> None:
    finish(start(machine))
    for mark in (machine.project / "nightly").glob("*.green"):
        os.utime(mark, times=(os.stat(mark).st_mtime - WEEK_S + 600,) * 2)

    finish(start(machine))

    assert "lies: all well" in summary_of_last(machine)


def test_a_proof_that_was_red_is_made_again(machine: Machine) -> None:
    finish(start(machine, PROOF="exit 1"))

    finish(start(machine))

    assert "null-products: all well" in summary_of_last(machine)


def test_a_night_also_runs_the_suite_with_programs_that_are_execd(machine: Machine) -> None:
    only_execd_is_red = 'case "$*" in *warm=no*) echo "61 scenarios passed, 1 failed"; exit 1;; esac'

    code, said = finish(start(machine, BEHAVE=only_execd_is_red))

    (night,) = nights(machine)
    assert code == 1
    assert "61 scenarios passed, 1 failed" in said
    assert not (night / "lies.log").exists()


@pytest.mark.parametrize(("name", "much"), [("hostile", "--requests 20000"), ("torture", "--scenarios 300")])
def test_a_night_is_also_hostile_in_a_way_of_its_own(machine: Machine, name: str, much: str) -> None:
    code, said = finish(start(machine, **{name.upper(): "exit 1"}))

    (night,) = nights(machine)
    seed = night.name.partition("T")[0].replace("-", "")
    assert code == 1
    assert f"{name}: --seed {seed} {much}" in said
    assert not (night / "exec.log").exists()


def test_second_one_at_the_same_time_says_so_and_does_nothing(
    machine: Machine, running: subprocess.Popen[str], gate: Path
) -> None:
    code, said = finish(start(machine))

    assert code == 75
    assert "another one is still running" in said
    gate.write_text("go\n")
    assert finish(running) == (0, "")
    assert len(nights(machine)) == 1


def test_one_that_was_killed_does_not_hold_up_the_next(
    machine: Machine, running: subprocess.Popen[str], gate: Path
) -> None:
    running.kill()
    running.wait(LIMIT_S)

    assert finish(start(machine)) == (0, "")
    gate.write_text("go\n")  # lets the suite of the first one end


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_the_suite_first(running: subprocess.Popen[str], end: signal.Signals) -> None:
    running.send_signal(end)

    code, said = finish(running)
    assert code == 143
    assert "exit code 143" in said


def test_old_nights_are_removed_and_younger_ones_kept(machine: Machine) -> None:
    day_s = 24 * 60 * 60
    for name, age_days in (("2026-01-01T03.00.00.abcdef", 16), ("2026-01-02T03.00.00.abcdef", 10), ("mine", 99)):
        night = machine.project / "nightly" / name
        night.mkdir(parents=True)
        os.utime(night, times=(os.stat(night).st_mtime - age_days * day_s,) * 2)

    finish(start(machine))

    names = [night.name for night in nights(machine)]
    assert (names[0], names[-1], len(names)) == ("2026-01-02T03.00.00.abcdef", "mine", 3)


def test_another_place_and_another_number_of_days_can_be_named(machine: Machine, tmp_path: Path) -> None:
    assert finish(start(machine, NIGHTLY_DIR=str(tmp_path / "elsewhere"), NIGHTLY_KEEP_DAYS="3"))[0] == 0
    assert len(list((tmp_path / "elsewhere").glob("20*/summary.txt"))) == 1


@pytest.mark.parametrize("days", ["two", "-1", "1.5"])
def test_number_of_days_that_is_none_is_refused(machine: Machine, days: str) -> None:
    code, said = finish(start(machine, NIGHTLY_KEEP_DAYS=days))

    assert code == 2
    assert f"NIGHTLY_KEEP_DAYS={days}" in said
