"""What behave gives to hooks, steps and formatters is there with this runner, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.runner.project import Project

STOCK = "behave.runner:Runner"
KINDS = """
import traceback
from behave.formatter.base import Formatter
class Kinds(Formatter):
    name = "kinds"
    def __init__(self, opener, config):
        super().__init__(opener, config)
        self.stream = self.open()
    def result(self, step):
        if step.exception:
            own = [frame.name for frame in traceback.extract_tb(step.exc_traceback) if "features" in frame.filename]
            self.stream.write(f"{isinstance(step.exception, AssertionError)} {own}\\n")
"""
KEEPS = """
from behave.formatter.base import Formatter
class Keeps(Formatter):
    name = "keeps"
    def __init__(self, opener, config):
        super().__init__(opener, config)
        self.stream = self.open()
    def set_title(self, title):
        self.stream.write(f"title {title}\\n")
    def embedding(self, mime_type, data, caption=None):
        self.stream.write(f"{mime_type} {data!r} {caption}\\n")
"""


def reported(project: Project, runner: str | None, *arguments: str) -> str:
    """What a formatter has written to the file `report`, with this runner or another."""
    chosen = ["--runner", runner] if runner else []
    project.behave(*chosen, *arguments, "-o", "report", env={"PYTHONPATH": f"{Path.cwd()}:{project.directory}"})
    return (project.directory / "report").read_text()


def test_formatter_sees_what_kind_an_exception_is_and_where_it_was_raised(project: Project) -> None:
    project.feature("asserts: it fails", "raises: it raises")
    project.write("kinds.py", KINDS)

    ours, stock = (reported(project, runner, "-f", "kinds:Kinds") for runner in (None, STOCK))

    assert ours == stock == "True ['fails']\nFalse ['raises']\n"


def test_what_after_step_attaches_is_part_of_the_result(project: Project) -> None:
    project.feature("one: it passes; it fails")
    project.write("features/environment.py", "def after_step(c, step): c.attach('text/plain', step.name.encode())\n")

    ours, stock = (
        [step["embeddings"] for step in json.loads(reported(project, runner, "-f", "json"))[0]["elements"][0]["steps"]]
        for runner in (None, STOCK)
    )

    assert ours == stock
    assert len(ours) == 2


def test_formatters_are_there_in_before_all_and_do_what_scenarios_want(project: Project) -> None:
    project.feature("one: it passes")
    project.write("keeps.py", KEEPS)
    project.write(
        "features/environment.py",
        """
def before_all(context):
    [context.formatter] = [each for each in context._runner.formatters if each.name == "keeps"]
    context.formatter.set_title(title="a night")

def after_scenario(context, scenario):
    context.formatter.embedding("text/plain", b"\\xff", caption=f"of {scenario.name}")
""",
    )

    ours, stock = (reported(project, runner, "-f", "keeps:Keeps") for runner in (None, STOCK))

    assert ours == stock == "title a night\ntext/plain b'\\xff' of one\n"


@pytest.mark.parametrize(("step", "failed"), [("it passes", False), ("it fails", True)])
def test_after_all_knows_whether_something_failed(project: Project, step: str, failed: bool) -> None:
    project.feature(f"one: {step}", "two: it passes")
    project.write("features/environment.py", "def after_all(c): open('failed', 'w').write(str(c.failed))\n")

    project.behave()

    assert (project.directory / "failed").read_text() == str(failed)


def test_step_can_have_the_run_stop_after_the_first_red_scenario(project: Project) -> None:
    project.feature("one: it wants to stop; it fails", "two: it passes")
    project.write(
        "features/steps/stops.py",
        "from behave import step\n@step('it wants to stop')\ndef stops(c): c.config.stop = True\n",
    )

    assert project.behave("-j", "1").verdicts == {"one": "failed", "two": "not run"}


RETRIES = """
from behave.contrib.scenario_autoretry import patch_scenario_with_autoretry
def before_feature(context, feature):
    for scenario in feature.walk_scenarios():
        patch_scenario_with_autoretry(scenario, max_attempts=2)
"""


def test_step_of_the_last_try_is_named(project: Project) -> None:
    project.feature("one: it fails at first; it passes; it sleeps")
    project.write("features/environment.py", RETRIES)
    project.write(
        "features/steps/first.py",
        "import os\nfrom behave import step\n@step('it fails at first')\n"
        "def first(c):\n    if not os.path.exists('tried'):\n"
        "        open('tried', 'x').close()\n        assert False\n",
    )

    ran = project.behave("-D", "limit_s=2")

    assert ran.verdict("one")["reason"] == "no end after 2 s, in the step: * it sleeps"
    assert ran.verdict("one")["steps"] == {"passed": 2, "error": 1}


def test_scenario_is_shown_as_hooks_have_made_it(project: Project) -> None:
    project.feature("one: it passes; it passes")
    project.write(
        "features/environment.py",
        """
from behave.model import Step
def before_feature(context, feature):
    feature.scenarios[0].name = "renamed"
def before_scenario(context, scenario):
    scenario.steps.insert(0, Step(scenario.filename, 99, "*", "given", "it prints what a hook wants"))
""",
    )

    ours, stock = (reported(project, runner, "-f", "plain", "-T") for runner in (None, STOCK))

    assert ours == stock
    assert "Scenario: renamed\n    * it prints what a hook wants ... passed\n    * it passes ... passed" in ours


def test_end_of_an_attempt_is_the_end_of_a_program(project: Project) -> None:
    project.feature("one: it leaves a file open")
    project.write(
        "features/steps/open.py",
        """
import atexit
from behave import step
@step("it leaves a file open")
def leaves(context):
    global kept
    kept = open("kept", "w")
    kept.write("all of it")
    atexit.register(lambda: open("at-exit", "w").close())
""",
    )

    project.behave()

    assert (project.directory / "kept").read_text() == "all of it"
    assert (project.directory / "at-exit").exists()


COVERED = """
def answer(question):
    if question:
        return 1
    return 2
"""


def coverage(project: Project, *arguments: str) -> str:
    """What coverage says of a run of behave."""
    project.shell([sys.executable, "-m", "coverage", "run", "-m", "behave", "-D", "run_dir=RUN_DIR", *arguments])
    for command in (["combine", "--quiet"], ["report", "--format=total"]):
        ran = subprocess.run(
            [sys.executable, "-m", "coverage", *command], cwd=project.directory, capture_output=True, text=True
        )
    return ran.stdout


def test_coverage_measures_what_it_measures_with_behaves_own_runner(project: Project) -> None:
    project.feature("yes: it asks 1", "no: it asks 0")
    project.write("features/covered.py", COVERED)
    project.write(
        "features/steps/asks.py",
        "from behave import step\nfrom features.covered import answer\n"
        "@step('it asks {question:d}')\ndef asks(c, question): answer(question)\n",
    )
    project.write(".coveragerc", "[run]\nsource = features\npatch = fork\nparallel = yes\n")

    ours, stock = (coverage(project, *chosen) for chosen in ([], ["--runner", STOCK]))

    assert ours == stock != ""
