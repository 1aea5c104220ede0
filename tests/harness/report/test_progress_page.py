"""docs/progress.md: the figures of a run, from its event log."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.report.progress_page import NotALog, main, page, read

STARTED = {
    "event": "run_started",
    "utc": "2026-11-22T03:00:00+00:00",
    "planned": 3,
    "left_out": {"@wip": 59},
    "jobs": 2,
}
ENDED = {"event": "run_ended", "exit_code": 1, "duration_s": 12.345}


def verdict(line: int, word: str = "passed", name: str = "a scenario") -> dict[str, Any]:
    location = f"features/test-001.feature:{line}"
    return {"event": "verdict", "location": location, "name": name, "verdict": word, "duration_s": 0.5}


RUN = [STARTED, verdict(949), verdict(33, "failed"), verdict(450), ENDED]


def test_run_is_summed_up_in_one_line() -> None:
    text = page(RUN, "abc123")

    assert "commit abc123: **1 failed, 2 passed** of 3 planned, 59 by @wip left out, exit code 1, 12.3 s with 2" in text


def test_scenarios_come_in_the_order_of_their_addresses() -> None:
    rows = [line for line in page(RUN, "abc123").splitlines() if line.startswith("| features/")]

    assert [row.split(" | ")[0].rpartition(":")[2] for row in rows] == ["33", "450", "949"]


def test_row_of_a_scenario_says_verdict_and_duration() -> None:
    assert "| features/test-001.feature:33 | a scenario | failed | 0.50 |" in page(RUN, "abc123")


@pytest.mark.parametrize(
    "row",
    [
        "| 1 explicit registration | 4 | 1 |",
        "| 2 edge cases executed | 9 | 0 |",
        "| 4 the missing step | 1 | 1 |",
        "| 5 all scenarios | 62 | 2 |",
    ],
)
def test_phase_counts_what_it_asks_for_and_what_passed(row: str) -> None:
    assert row in page(RUN, "abc123").splitlines()


def test_bar_in_a_title_does_not_break_the_table() -> None:
    assert "| a/b |" in page([STARTED, verdict(33, name="a|b"), ENDED], "abc123")


def test_page_is_written(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text("".join(json.dumps(event) + "\n" for event in RUN))

    assert main([str(log), str(tmp_path / "progress.md"), "abc123"]) == 0
    assert (tmp_path / "progress.md").read_text() == page(RUN, "abc123")


@pytest.mark.parametrize("text", ["", json.dumps(STARTED), "no json", "[1]", '{"a": 1}'])
def test_what_is_not_the_log_of_a_whole_run_is_refused(text: str, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text(text)

    with pytest.raises(NotALog, match=r"events\.jsonl"):
        read(log)


def test_missing_log_leaves_the_page_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.jsonl"), str(tmp_path / "progress.md"), "abc123"]) == 2
    assert not (tmp_path / "progress.md").exists()
    assert "none.jsonl" in capsys.readouterr().err
