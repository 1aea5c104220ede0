"""Progress, from events alone."""

from __future__ import annotations

import io
from typing import Any

import pytest

from harness.report.progress import LineWatcher, Progress


class Clock:
    """A clock for the progress that goes by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def read_s(self) -> float:
        """The time in seconds."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """The clock of the progress."""
    return Clock()


def started(show: Progress, *expected_s: float | None, jobs: int = 2) -> None:
    """Begin a run of scenarios that are expected to take so long."""
    show({"event": "run_started", "planned": len(expected_s), "jobs": jobs, "order": "plan", "seed": None})
    for number, each_s in enumerate(expected_s, 1):
        show(event("planned", number, location=f"f:{number}", name=f"n{number}", expected_s=each_s))


def event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    """An event about a scenario."""
    return {"event": kind, "number": number, **fields}


def verdict(number: int, word: str) -> dict[str, Any]:
    """A verdict."""
    return event("verdict", number, verdict=word, location=f"f:{number}", name=f"n{number}", duration_s=1.5)


def test_plain_lines(clock: Clock) -> None:
    stream = io.StringIO()
    show = Progress(stream)

    started(show, 1.0, None)
    show(event("attempt_started", 1, pid=7))
    show(event("step_started", 1, step="Given x"))
    show(event("slow", 1, after_s=30.2, where="in the step: Given x", limit_s=60.0))
    show(verdict(1, "passed"))
    show(verdict(2, "not run"))

    assert stream.getvalue() == (
        "2 scenarios, 2 at a time\n"
        "slow: f:1  n1: 30 s, in the step: Given x; it is ended after 60 s\n"
        "[1/2] passed: f:1  n1 (1.50 s)\n"
        "[2/2] not run: f:2  n2 (1.50 s)\n"
    )
    assert show.refresh_s is None


def test_death_of_a_watched_process_is_told() -> None:
    stream = io.StringIO()

    Progress(stream)({"event": "watched_died", "name": "the world", "pid": 7, "how": "killed by SIGKILL"})

    assert stream.getvalue() == "the world (pid 7) died: killed by SIGKILL\n"


def test_live_progress_tells_what_runs_since_when(clock: Clock) -> None:
    stream, beside = io.StringIO(), LineWatcher(io.StringIO())
    show = Progress(stream, beside, clock.read_s)
    started(show, 4.0, 4.0, 2.0)
    show(event("attempt_started", 1, pid=7))
    show(event("step_started", 1, step="Given x"))
    show(verdict(3, "failed"))
    clock.now_s += 2

    shown = refreshed(show, stream)

    assert "1 of 3 scenarios done, 1 red, about 3 s to go" in shown
    assert "    2.0 s  f:1  n1  Given x" in shown


def test_estimate_needs_a_history_of_all_that_is_to_come(clock: Clock) -> None:
    stream, beside = io.StringIO(), LineWatcher(io.StringIO())
    show = Progress(stream, beside, clock.read_s)
    started(show, 4.0, None)
    show(event("attempt_started", 1, pid=7))

    assert "to go" not in refreshed(show, stream)


def test_live_progress_does_not_disturb_an_unfinished_line(clock: Clock) -> None:
    stream, beside = io.StringIO(), LineWatcher(io.StringIO())
    show = Progress(stream, beside, clock.read_s)
    started(show, 4.0)
    show(event("attempt_started", 1, pid=7))
    beside.write("....")

    assert refreshed(show, stream) == ""
    beside.write("\n")
    clock.now_s += 1
    assert "0 of 1 scenario done" in refreshed(show, stream)


def test_live_progress_keeps_passed_scenarios_to_itself(clock: Clock) -> None:
    stream = io.StringIO()
    show = Progress(stream, LineWatcher(io.StringIO()), clock.read_s)
    started(show, 1.0, 1.0)

    show(verdict(1, "passed"))
    show(verdict(2, "failed"))

    assert stream.getvalue().splitlines() == ["2 scenarios, 2 at a time", "[2/2] failed: f:2  n2 (1.50 s)"]


def refreshed(show: Progress, stream: io.StringIO) -> str:
    """What a refresh shows."""
    assert show.refresh_s is not None
    before = len(stream.getvalue())
    show.show()
    shown = stream.getvalue()[before:]
    show.hide()
    return shown
