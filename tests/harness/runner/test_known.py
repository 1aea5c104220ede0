"""Reds that are known, and what fails a run all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.runner.project import Project, Ran

KEY = "features/one.feature::"


def knowing(project: Project, *rows: dict[str, Any], strict: str = "") -> Ran:
    """A run of four scenarios, of which one is well, with these reds known."""
    project.feature("well: it passes", "bad: it fails", "worse: it raises", "waits: it passes")
    project.write("known.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    return project.behave("-f", "null", "-D", f"known=known.jsonl{strict}")


def known(name: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"scenario": f"{KEY}{name}", "cause": cause, **more}


BAD, WORSE = known("bad", "failed", note="since October"), known("worse", "error")


def test_reds_that_are_known_do_not_fail_the_run(project: Project) -> None:
    ran = knowing(project, BAD, WORSE)

    assert ran.code == 0
    assert ran.verdicts == {"well": "passed", "bad": "failed", "worse": "error", "waits": "passed"}
    assert "known red: features/one.feature:6  bad (since October)" in ran.out
    assert "2 known red, 0 red for another cause, 0 newly red, 0 mended" in ran.out
    assert "\nfailed: " not in ran.out


def test_a_new_red_fails_it(project: Project) -> None:
    ran = knowing(project, WORSE)

    assert ran.code == 1
    assert "failed: features/one.feature:6  bad" in ran.out
    assert "1 known red, 0 red for another cause, 1 newly red, 0 mended" in ran.out


def test_a_known_red_with_another_cause_fails_it(project: Project) -> None:
    ran = knowing(project, BAD, known("worse", "timeout"))

    assert ran.code == 1
    assert "red for another cause: features/one.feature:9  worse" in ran.out


@pytest.mark.parametrize(("strict", "code"), [("", 0), (",strict", 1)])
def test_a_mended_one_is_told_and_fails_a_strict_run(project: Project, strict: str, code: int) -> None:
    ran = knowing(project, BAD, WORSE, known("well", "failed"), strict=strict)

    assert ran.code == code
    assert "mended: features/one.feature:3  well" in ran.out


def test_one_that_is_green_now_and_then_is_not_mended(project: Project) -> None:
    ran = knowing(project, BAD, WORSE, known("well", "failed", flaky=True), strict=",strict")

    assert ran.code == 0
    assert "mended: " not in ran.out


@pytest.mark.parametrize("line", ["no json", "[]", '{"scenario": "x"}', '{"scenario": 1, "cause": "y"}'])
def test_a_line_that_is_none_is_wrong_use(project: Project, line: str) -> None:
    project.feature("well: it passes")
    place = project.write("known.jsonl", f"\n{line}\n")

    ran = project.behave("-D", "known=known.jsonl")

    assert ran.code == 2
    assert f"{place}:2: this is no known red" in ran.err


def test_a_file_that_is_not_there_is_wrong_use(project: Project) -> None:
    project.feature("well: it passes")

    ran = project.behave("-D", f"known={Path('/nowhere')}")

    assert ran.code == 2
    assert "-D known=/nowhere: /nowhere cannot be read: " in ran.err
