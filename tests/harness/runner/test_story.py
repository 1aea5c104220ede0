"""A story gets from whoever tells it to the verdict's event."""

from __future__ import annotations

import pytest

from tests.harness.runner.project import Project

TELLS = """
from harness.runner import story

def before_all(context):
    story.of_the_dead(of_the_dead)

def of_the_dead(dead):
    if dead.scenario.name == "broken": raise ValueError("no story")
    return {"who": "runner", "verdict": dead.verdict.word, "step": dead.step, "in": dead.directory.name}

def after_scenario(context, scenario):
    if scenario.status.has_failed():
        scenario.story = {"who": "attempt"}
"""


def test_a_red_attempt_tells_its_own_story(project: Project) -> None:
    project.feature("bad: it fails", "good: it passes")
    project.write("features/environment.py", TELLS)

    ran = project.behave()

    assert ran.verdict("bad")["story"] == {"who": "attempt"}
    assert ran.verdict("good")["story"] is None


def test_the_story_of_an_attempt_that_died_is_told_for_it(project: Project) -> None:
    project.feature("dead: it passes; it exits with 9")
    project.write("features/environment.py", TELLS)

    ran = project.behave()

    assert ran.verdict("dead")["story"] == {"who": "runner", "verdict": "crashed", "step": 5, "in": "1"}


def test_a_story_that_cannot_be_told_costs_no_verdict(project: Project) -> None:
    project.feature("broken: it exits with 9", "good: it passes")
    project.write("features/environment.py", TELLS)

    ran = project.behave()

    assert ran.verdicts == {"broken": "crashed", "good": "passed"}
    assert ran.verdict("broken")["story"] is None
    assert "no story of features/one.feature:3: ValueError('no story')" in ran.err


def test_a_project_without_stories_has_none(project: Project) -> None:
    project.feature("bad: it fails")

    assert project.behave().verdict("bad")["story"] is None


HOOK_FAILS = """
def before_scenario(context, scenario):
    raise ValueError("no queen")

def after_scenario(context, scenario):
    scenario.story = {
        "culprit": "q", "headline": "q never answered", "cause": "c", "hops": [], "what": "", "wanted": "", "seen": "",
        "step": {"line": None, "text": "before its first step"}, "last_words": [],
    }
"""


@pytest.mark.parametrize(("form", "shown"), [("null", False), ("plain", True)])
def test_with_a_story_what_behave_says_of_a_hook_is_for_its_formatters(
    project: Project, form: str, shown: bool
) -> None:
    project.feature("bad: it passes")
    project.write("features/environment.py", HOOK_FAILS)

    ran = project.behave("-f", form)

    assert "q never answered" in ran.out
    assert ("HOOK-ERROR" in ran.out) is shown
