"""The run's folder."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from harness.runner import folder
from harness.runner.events import EventLog
from harness.runner.options import WrongUse


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default place of run folders, empty."""
    monkeypatch.setattr(folder, "MEMORY", tmp_path)
    monkeypatch.setattr(folder, "LONGEST_PATH", 200)
    return tmp_path


def finished(name: str, age: int, *, cwd: str = "/here", exit_code: int | None = 0) -> Path:
    """The folder of a run that is over; without an exit code, of one that was killed."""
    path = folder.create(None, name)
    log = EventLog(path / folder.EVENT_LOG)
    log.emit("run_started", run=name, cwd=cwd)
    if exit_code is not None:
        log.emit("run_ended", exit_code=exit_code)
    log.close()
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    return path


def test_programs_that_do_not_fit_into_memory_are_not_put_there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(place / "tmp"))

    assert folder.create(None, "abc", programs_bytes=2**80) == place / "tmp" / "rbee-bdd-abc"


def test_memory_is_the_default_place(place: Path) -> None:
    assert folder.create(None, "abc") == place / "rbee-bdd-abc"


def test_temporary_directory_where_memory_is_short(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LEAST_FREE_BYTES", 2**80)
    monkeypatch.setattr(tempfile, "tempdir", str(place / "tmp"))

    assert folder.create(None, "abc") == place / "tmp" / "rbee-bdd-abc"


def test_wanted_folder_may_exist_but_not_be_used(place: Path) -> None:
    (place / "mine").mkdir()

    assert folder.create(place / "mine", "abc") == place / "mine"
    (place / "mine/file").touch()
    with pytest.raises(WrongUse, match="is not empty"):
        folder.create(place / "mine", "abc")


def test_prune_keeps_the_newest(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT_GREEN", 2)
    for age in range(4):
        finished(f"run{age}", age)
    (place / "other").mkdir()

    folder.prune("/here")

    assert sorted(path.name for path in place.iterdir()) == ["other", "rbee-bdd-run0", "rbee-bdd-run1"]


def test_green_runs_cost_no_red_one_its_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT_GREEN", 1)
    red, killed = finished("red", 9, exit_code=1), finished("killed", 8, exit_code=None)
    for age in range(3):
        finished(f"run{age}", age)

    folder.prune("/here")

    assert sorted(place.iterdir()) == sorted([red, killed, place / "rbee-bdd-run0"])


def test_another_checkouts_runs_are_its_own(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT_GREEN", 1)
    theirs, ours = finished("theirs", 9, cwd="/there"), finished("ours", 1)

    folder.prune("/here")

    assert sorted(place.iterdir()) == sorted([theirs, ours])


def test_prune_leaves_a_run_that_goes_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT_GREEN", 0)
    monkeypatch.setattr(folder, "KEPT_RED", 0)
    over, going_on = finished("over", 1), folder.create(None, "on")
    events = EventLog(going_on / folder.EVENT_LOG)
    events.emit("run_started", run="on", cwd="/here")

    folder.prune("/here")

    assert place.exists()
    assert (over.exists(), going_on.exists()) == (False, True)
    events.close()


@pytest.mark.parametrize(
    "first_line", [None, b"", b"\xff", b"[]", b'{"event": "run_started", "run": "another", "cwd": "/here"}']
)
def test_prune_leaves_what_no_run_has_made(
    place: Path, monkeypatch: pytest.MonkeyPatch, first_line: bytes | None
) -> None:
    monkeypatch.setattr(folder, "KEPT_RED", 0)
    mine = [place / "rbee-bdd-precious", place / "rbee-bdd-0123abcd"]
    for path in mine:
        path.mkdir()
        if first_line is not None:
            (path / folder.EVENT_LOG).write_bytes(first_line)

    folder.prune("/here")

    assert all(path.exists() for path in mine)


def test_event_log_is_locked_while_it_is_open(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "events.jsonl")

    with (tmp_path / "events.jsonl").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    events.close()


def test_tails_are_the_last_lines_of_every_log(tmp_path: Path) -> None:
    for path in ("stage/logs/queen.log", "logs/attempt.log", "stage/queen.log", "logs/notes.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"\xff\n" + b"".join(b"line %d\n" % n for n in range(2000)))

    tails = folder.tails(tmp_path)

    assert sorted(tails) == ["logs/attempt.log", "stage/logs/queen.log"]
    assert tails["logs/attempt.log"].splitlines() == [f"line {n}" for n in range(1990, 2000)]
