"""The summary, from events alone."""

from __future__ import annotations

import io
from typing import Any

from harness.report.summary import Summary

START: dict[str, Any] = {
    "event": "run_started",
    "left_out": {},
    "prove": False,
    "run_dir": "/run/rbee",
    "order": "plan",
    "seed": None,
}


def verdict(number: int, word: str, **fields: Any) -> dict[str, Any]:
    """A verdict on a scenario of two steps."""
    usual = {
        "event": "verdict",
        "number": number,
        "location": f"f.feature:{number}",
        "feature": "f.feature",
        "name": f"number {number}",
        "verdict": word,
        "reason": "",
        "steps": {"passed": 2} if word == "passed" else {"failed": 1, "skipped": 1},
        "logs": {},
        "directory": None,
        "again": f"behave f.feature:{number}",
    }
    return usual | fields


def printed(*events: dict[str, Any], start: dict[str, Any] | None = None) -> str:
    """The summary of a run with these events."""
    stream = io.StringIO()
    summary = Summary(stream)
    for event in (START | (start or {}), *events, {"event": "run_ended", "duration_s": 61.5}):
        summary(event)
    return stream.getvalue()


def test_green_run() -> None:
    assert printed(*(verdict(n, "passed") for n in range(1, 63))) == (
        "\n"
        "1 feature passed, 0 failed, 0 skipped\n"
        "62 scenarios passed, 0 failed, 0 skipped\n"
        "124 steps passed, 0 failed, 0 skipped\n"
        "Took 1min 1.500s\n"
        "Run folder: /run/rbee (event log: events.jsonl)\n"
    )


def test_other_verdicts_are_counted_when_there_are_any() -> None:
    words = ("passed", "failed", "crashed", "timeout", "timeout", "skipped", "not run")

    text = printed(*(verdict(n, word) for n, word in enumerate(words)))

    assert "1 scenario passed, 1 failed, 1 skipped, 1 crashed, 1 not run, 2 timeout\n" in text
    assert "0 features passed, 1 failed, 0 skipped\n" in text


def test_red_scenario_has_reason_place_and_command() -> None:
    text = printed(verdict(3, "failed", reason="ASSERT FAILED: one\ntwo\nthree\nfour", directory="/run/rbee/3"))

    assert text.startswith(
        "\nfailed: f.feature:3  number 3\n"
        "  ASSERT FAILED: one\n  two\n  three\n  …\n"
        "  kept in /run/rbee/3\n"
        "  again: behave f.feature:3\n"
    )


def test_red_scenarios_stand_in_the_order_of_the_files() -> None:
    text = printed(verdict(2, "failed"), verdict(1, "crashed"))

    assert text.index("number 1") < text.index("number 2")


def test_ends_of_logs_are_shown_where_the_reason_does_not_tell_all() -> None:
    logs = {"logs/queen.log": "first\nlast"}

    crashed = printed(verdict(1, "crashed", logs=logs))
    failed = printed(verdict(1, "failed", logs=logs))

    assert "  the end of logs/queen.log:\n    | first\n    | last\n" in crashed
    assert "queen.log" not in failed


def test_those_not_run_are_counted_by_their_reason() -> None:
    text = printed(*(verdict(n, "not run", reason="the world died") for n in range(3)))

    assert "\nnot run: 3: the world died\n" in text
    assert "again:" not in text


def test_hook_that_failed_is_told_with_its_traceback() -> None:
    failed = {"event": "hook_failed", "hook": "before_all", "error": "OSError: no", "traceback": "File x\n  line"}

    assert "\nerror in before_all: OSError: no\n  File x\n    line\n" in printed(failed)


def test_what_was_left_out_and_how_the_order_comes_again() -> None:
    text = printed(verdict(1, "passed"), start={"left_out": {"@wip": 56}, "order": "random", "seed": 7})

    assert "\n56 left out by @wip\n" in text
    assert "\nOrder: random, again by -D order=random -D seed=7\n" in text


STORY = {
    "culprit": "queen-rbee",
    "kind": "failed",
    "headline": "queen-rbee answered 500",
    "cause": "c",
    "hops": [],
    "step": {"line": 2, "text": "Then it works"},
    "what": "",
    "wanted": "",
    "seen": "",
    "last_words": [],
}


def test_a_red_scenario_with_a_story_is_told_by_it() -> None:
    text = printed(verdict(3, "failed", reason="machine's words", story=STORY), start={"cwd": "/project"})

    assert text.startswith(
        "\nfailed: f.feature:3  number 3\n"
        "  queen-rbee answered 500\n"
        "  line 2: Then it works\n"
        "  again: cd /project && behave f.feature:3\n"
    )
    assert "machine's words" not in text


def test_reds_with_one_cause_are_told_once() -> None:
    text = printed(*(verdict(number, "failed", story=STORY) for number in (1, 2)))

    assert text.count("  queen-rbee answered 500\n") == 1
    assert "\nfailed: f.feature:2  number 2\n  the same cause as 1\n" in text
    assert "\n2 red, one cause: queen-rbee answered 500; begin with 1\n" in text


def test_what_a_signal_interrupted_is_counted_and_no_more() -> None:
    reason = "the run was ended by SIGINT"

    text = printed(
        verdict(1, "passed"), verdict(2, "error", reason=f"{reason}, in a step"), verdict(3, "not run", reason=reason)
    )

    assert "\nstopped: 1 passed, 1 interrupted, 1 not run\n" in text
    assert "number 2" not in text
