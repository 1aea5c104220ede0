"""The story as people read it."""

from __future__ import annotations

from typing import Any

from harness.report import story


def told(**fields: Any) -> dict[str, Any]:
    """A story, with these fields."""
    usual: dict[str, Any] = {
        "culprit": "queen-rbee",
        "kind": "failed",
        "headline": "queen-rbee answered 500 to rbee-keeper's POST /v2/tasks",
        "cause": "1|queen-rbee|failed|rbee-keeper → queen-rbee POST /v2/tasks|500",
        "hops": [hop(), hop(back=True, text="500", here=True)],
        "step": {"line": 958, "text": "Then it works"},
        "what": "the exit code",
        "wanted": "0",
        "seen": "1",
        "last_words": [{"program": "queen-rbee", "text": "a.py:24 KeyError: 'x'", "ended": None}],
    }
    return usual | fields


def hop(**fields: Any) -> dict[str, Any]:
    """A request, or with `back` its answer."""
    usual = {"at_s": 0.0, "who": "rbee-keeper", "whom": "queen-rbee", "text": "POST /v2/tasks"}
    return {"back": False, "here": False, **usual, **fields}


def test_a_story_in_lines() -> None:
    assert story.rendered(told(), 100) == [
        "  queen-rbee answered 500 to rbee-keeper's POST /v2/tasks",
        "        0.000 s  rbee-keeper → queen-rbee  POST /v2/tasks",
        "        0.000 s  rbee-keeper ← queen-rbee  500   ← here",
        "  line 958: Then it works",
        "  the exit code:",
        "    wanted: 0",
        "    seen:   1",
        "  queen-rbee said  a.py:24 KeyError: 'x'",
    ]


def test_it_is_never_longer_nor_wider_than_it_may_be() -> None:
    long = told(
        headline="h " * 200,
        hops=[hop(text="t" * 200, here=True)] * 6,
        wanted="\n".join("abcdefghijk"),
        seen="s" * 300,
        last_words=[{"program": "queen-rbee", "text": "w" * 300, "ended": "exit code 1"}] * 3,
    )

    for width in (60, 100):
        lines = story.rendered(long, width)
        assert len(lines) <= story.MOST_LINES - 2
        assert max(map(len, lines)) <= width
        assert lines[2].endswith("← here")
        assert lines[-1].endswith("exit code 1")


def test_of_texts_the_lines_that_differ_are_shown() -> None:
    lines = story.rendered(told(what="stderr", wanted="a\nb\nc", seen="a\nx\nc", hops=[], last_words=[]), 100)

    assert lines[2:] == ["  stderr:", "    - b", "    + x"]


def test_of_objects_the_members_that_differ_are_shown() -> None:
    wanted, seen = '{"a": 1, "b": 2}', '{"a": 1, "c": 3}'

    lines = story.rendered(told(wanted=wanted, seen=seen, hops=[], last_words=[]), 100)

    assert lines[-2:] == ["    wanted: b 2", "    seen:   c 3"]


def test_of_lists_the_first_entry_that_differs_is_shown() -> None:
    lines = story.rendered(told(wanted="[1, 2, 3]", seen="[1, 2]", hops=[], last_words=[]), 100)

    assert lines[-2:] == ["    wanted: 3 of them, number 3 is 3", "    seen:   2 of them, no number 3"]


def test_what_never_came_stands_beside_the_last_that_did() -> None:
    lines = story.rendered(told(kind="never came", wanted="a row", seen="", hops=[], last_words=[]), 100)

    assert lines[-2:] == ["  wanted: a row", "  seen:   nothing"]


def test_reds_with_one_cause_are_a_group() -> None:
    verdicts: list[dict[str, Any]] = [
        {"location": f"f:{n}", "story": told(cause="x" if n > 1 else f"y{n}")} for n in range(4)
    ]
    verdicts.append({"location": "f:9", "story": None})

    groups = story.groups(verdicts)

    assert [[each["location"] for each in group] for group in groups] == [["f:2", "f:3"], ["f:0"], ["f:1"], ["f:9"]]
    assert story.paragraph(groups[0], 100) == [
        "2 red, one cause: queen-rbee answered 500 to rbee-keeper's POST /v2/tasks; begin with 2",
        "  the others: 3",
    ]


def test_what_broke_a_step_off_and_last_words_may_take_two_lines() -> None:
    words = [{"program": "queen-rbee", "text": "a " * 30 + "b", "ended": "exit code 1"}]

    lines = story.rendered(told(hops=[], what="", seen="c " * 30 + "d", last_words=words), 60)

    assert lines[2:4] == [f"  {'c ' * 29}".rstrip(), "    c d"]
    assert lines[4].startswith("  queen-rbee said  a a")
    assert lines[5].endswith(" a b   exit code 1")
