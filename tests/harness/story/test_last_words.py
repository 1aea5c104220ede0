"""What a program said last."""

from __future__ import annotations

from typing import Any

from harness.story import last_words
from harness.story.facts import Facts, Failing

QUEEN = {"program": "queen-rbee", "node": "blep", "pid": 3, "at_us": 0}


def words(text: str, code: int | None) -> list[dict[str, Any]]:
    """The last words of a queen that said this and ended so."""
    events = [{"event": "started", **QUEEN, "argv": ["queen-rbee"]}]
    events.append({"event": "output", **QUEEN, "stream": "stderr", "text": text})
    if code is not None:
        events.append({"event": "exited", **QUEEN, "code": code})
    return last_words.of(Facts(events, Failing(9, "Then")), "queen-rbee", [])


def test_an_alarming_line_goes_before_later_ones() -> None:
    assert words("ERROR no disk\nbye\n", 1) == [
        {"program": "queen-rbee", "text": "ERROR no disk", "ended": "exit code 1"}
    ]


def test_of_who_ended_badly_the_last_line_counts() -> None:
    text = "starting\nqueen-rbee: cannot open shared object file\n"

    assert [one["text"] for one in words(text, 127)] == ["cannot open shared object file"]


def test_who_lives_and_says_nothing_alarming_has_no_last_words() -> None:
    assert words("all is well\n", None) == []
