"""Lines of logs, from the pieces in which they came."""

from __future__ import annotations

import pytest

from harness.checks import logs
from harness.evidence import Evidence
from tests.harness import told


def seen(*pieces: tuple[int, int, str], node: str = "workstation") -> Evidence:
    """Output of programs, as time, pid and text."""
    who = {"event": "output", "program": "rbee-hive", "node": node, "stream": "stdout"}
    return told.evidence(*({**who, "at_us": at_us, "pid": pid, "text": text} for at_us, pid, text in pieces))


def test_line_has_the_time_at_which_it_was_whole() -> None:
    evidence = seen((1, 7, "[hive] one\n[hive]"), (2, 7, " two\n"))

    assert logs.lines(evidence, "workstation") == [(1, "[hive] one"), (2, "[hive] two")]


def test_lines_of_two_programs_do_not_mix() -> None:
    evidence = seen((1, 7, "one "), (2, 8, "other\n"), (3, 7, "line\n"))

    assert logs.lines(evidence, "workstation") == [(2, "other"), (3, "one line")]


def test_time_of_day_and_level_are_left_out() -> None:
    evidence = seen((1, 7, "2024-10-09T21:16:47.400000Z  WARN rbee-hive: worker w crashed\n"))

    assert logs.lines(evidence, "workstation") == [(1, "rbee-hive: worker w crashed")]


def test_line_that_was_not_ended_is_none() -> None:
    assert logs.lines(seen((1, 7, "half a li")), "workstation") == []


def test_log_of_another_node_does_not_count() -> None:
    with pytest.raises(AssertionError, match="'a line' is not in the logs of workstation"):
        logs.expect_logged(seen((1, 7, "a line\n"), node="blep"), "workstation", "a line")
