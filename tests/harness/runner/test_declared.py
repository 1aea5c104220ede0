"""Options that were declared, and those that were not."""

from __future__ import annotations

import re

import pytest

import harness.settings  # its options are declared by that
from harness.runner.declared import known
from tests.harness.runner.project import ROOT, Project

DECLARES = """
from harness.runner.declared import Option, declare
declare(Option("browser", "firefox or chromium", "firefox", "what pages are opened with"))
"""


def refusal(project: Project, *arguments: str) -> str:
    """The sentence with which a run is refused."""
    ran = project.behave(*arguments)
    assert (ran.code, ran.verdicts) == (2, {})
    return ran.err.strip().splitlines()[-1]


@pytest.fixture
def declaring(project: Project) -> Project:
    """A project that has declared an option."""
    project.feature("one: it passes")
    project.write("features/environment.py", DECLARES)
    return project


@pytest.mark.parametrize("option", ["browser=firefox", "limit_s=30", "behave.color=off", "progress.width=3", "kept=2"])
def test_what_somebody_reads_passes(declaring: Project, option: str) -> None:
    text = (declaring.directory / "setup.cfg").read_text()
    declaring.write("setup.cfg", f"{text}[behave.userdata]\nkept = 1\n")

    assert declaring.behave("-f", "progress", "-D", option).code == 0


def test_misspelled_option_is_refused_with_the_nearest(declaring: Project) -> None:
    said = refusal(declaring, "-D", "brwoser=firefox")

    assert said == "behave: -D brwoser=firefox: there is no such option; did you mean browser?"


def test_where_no_name_is_near_all_are_told(declaring: Project) -> None:
    assert "there are: browser, jobs, known, limit_s" in refusal(declaring, "-D", "xyzzy=1")


def test_option_without_its_value_is_refused(declaring: Project) -> None:
    said = refusal(declaring, "-D", "browser=")

    assert said == "behave: -D browser=: it has no value; firefox or chromium is needed"


def test_project_that_declares_nothing_has_none_refused(project: Project) -> None:
    project.feature("one: it passes")

    assert project.behave("-D", "whatever=1").code == 0


def test_page_of_the_runner_names_every_option_and_no_other() -> None:
    page = (ROOT / "docs/runner.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))

    assert harness.programs.PROGRAMS.keys() <= known().keys()
    assert set(re.findall(r"`-D ([\w.]+)[=`]", table)) == known().keys()
