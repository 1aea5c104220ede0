"""What is said of the stories of lies."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from harness.proof import blame, lie_report, lies
from harness.proof.blame import Blamed

OLD = lies.Lie("lies", "x", lies.nothing)
NEW = lies.Lie("lies anew", "x", lies.nothing, is_new=True)


def told(program: str, named: str, by_rules: str, lie: lies.Lie = OLD) -> Blamed:
    """A lie of `program`, of which the stories named somebody."""
    return Blamed(program, lie, (named, by_rules), "a headline", ["cause"])


def test_the_figures_tell_right_unknown_and_wrong_apart() -> None:
    page = blame.page(
        [
            told("queen", "queen-rbee", "unknown"),
            told("hive", "queen-rbee", "rbee-hive"),
            told("worker", "llm-worker-rbee", "rbee-hive", NEW),
            Blamed("keeper", OLD, None, "", []),
        ],
        "abc",
        2,
    )

    assert "| lies that were there before the rules, with references | 2 | **1** | 0 | 1 |" in page
    assert "| lies that were there before the rules, by rules alone | 2 | **1** | 1 | 0 |" in page
    assert "| lies written after them, by rules alone | 1 | **0** | 0 | 1 |" in page
    assert "| who always says the queen | 3 | 1 | 0 | 2 |" in page
    assert "- the hive lies: queen-rbee (a headline)" in page
    assert "- nothing went red: the keeper lies" in page


def test_there_are_lies_written_after_the_rules() -> None:
    assert sum(lie.is_new for program in lies.PROGRAMS for lie in lies.lies(program)) >= 10


def test_of_lies_with_a_story_it_is_counted_whose_causes_stay_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = count()

    def of_one_run(program: str, lie: lies.Lie, *_: object) -> Blamed:
        causes = {"queen": f"{next(number)}", "hive": ""}.get(program, "the same")
        return Blamed(program, lie, None, "", [causes])

    monkeypatch.setattr(blame, "blamed", of_one_run)
    monkeypatch.setattr(blame, "burning", lambda _: nullcontext())
    monkeypatch.setattr(blame, "STEADY", 3)
    every = [("queen", OLD), ("hive", OLD), ("worker", OLD), ("keeper", OLD)]
    monkeypatch.setattr(lie_report, "those", lambda *_: iter(every))

    assert blame.steady(2, tmp_path, {}, 1) == (2, 3)
