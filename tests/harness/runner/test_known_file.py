"""The file of known reds, made from a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.runner import known, known_file

OLD: dict[str, dict[str, Any]] = {
    "f::red": {"scenario": "f::red", "cause": "c1", "note": "ours"},
    "f::mended": {"scenario": "f::mended", "cause": "c2"},
    "f::flaky": {"scenario": "f::flaky", "cause": "c3", "flaky": True},
    "f::elsewhere": {"scenario": "f::elsewhere", "cause": "c4"},
    "f::not run": {"scenario": "f::not run", "cause": "c5"},
}


def verdict(name: str, word: str, cause: str | None = None) -> dict[str, Any]:
    told = {"cause": cause, "headline": "the queen answered 500"} if cause else None
    return {"event": "verdict", "key": f"f::{name}", "verdict": word, "story": told}


VERDICTS = [
    verdict("red", "failed", "c6"),
    verdict("mended", "passed"),
    verdict("flaky", "passed"),
    verdict("not run", "not run"),
    verdict("new", "error", "c7"),
    verdict("bare", "timeout"),
    verdict("well", "passed"),
]


def test_what_a_run_showed_replaces_what_was_known() -> None:
    new = known_file.updated(OLD, VERDICTS)

    assert {scenario: row["cause"] for scenario, row in new.items()} == {
        "f::red": "c6",
        "f::flaky": "c3",
        "f::elsewhere": "c4",
        "f::not run": "c5",
        "f::new": "c7",
        "f::bare": "timeout",
    }


def test_notes_stay_and_new_reds_get_their_headline() -> None:
    new = known_file.updated(OLD, VERDICTS)

    assert (new["f::red"]["note"], new["f::new"]["note"]) == ("ours", "the queen answered 500")
    assert "note" not in new["f::bare"]


def test_changes_are_told() -> None:
    assert known_file.changes(OLD, known_file.updated(OLD, VERDICTS)) == [
        "newly red: f::bare  timeout",
        "mended: f::mended",
        "newly red: f::new  c7",
        "red for another cause: f::red  c1 → c6",
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run with VERDICTS."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in VERDICTS))
    return tmp_path / "run"


def test_the_file_is_written_only_when_it_is_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run.parent / "known.jsonl"

    assert known_file.main([str(file), str(run)]) == 0
    assert not file.exists()
    assert known_file.main(["--update", str(file), str(run)]) == 0

    assert {"f::red", "f::new", "f::bare"} == set(known.read(str(file)).rows)
    assert f"3 known reds in {file}" in capsys.readouterr().out


def test_a_folder_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert known_file.main([str(tmp_path / "known.jsonl"), str(tmp_path / "nowhere")]) == 2
    assert "nowhere/events.jsonl" in capsys.readouterr().err
