"""A step that nobody has defined: what is near it, and how a definition begins."""

from __future__ import annotations

import pytest
from behave.model import Step

from harness.runner import undefined
from tests.harness.runner.project import Project


def step(name: str) -> Step:
    return Step("one.feature", 3, "Given", "given", name)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("it rains", ["@given('it rains')", "def it_rains(context: Context) -> None:"]),
        (
            'node "blep" has "x" free',
            ['@given(\'node "{name}" has "{name}" free\')', "def node_has_free(context: Context, name: str) -> None:"],
        ),
    ],
)
def test_a_definition_begins_in_this_projects_way(name: str, lines: list[str]) -> None:
    assert undefined.snippet(step(name)) == lines


def test_what_is_near_is_named_with_its_place(project: Project) -> None:
    project.feature("typo: it prints; the number 7 is there, now")

    ran = project.behave("-f", "null")

    reason = ran.verdict("typo")["reason"].splitlines()
    assert reason[0] == "no step definition for: * it prints"
    assert "near it: * it prints {text}  (features/steps/steps.py:8)" in reason
    assert ran.verdict("typo")["verdict"] == "undefined"
    assert "    def it_prints(context: Context) -> None:" in ran.out


def test_where_nothing_is_near_nothing_is_named(project: Project) -> None:
    project.feature("odd: zzz qqq")

    assert "near it" not in project.behave().verdict("odd")["reason"]
