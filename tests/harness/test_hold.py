"""A scenario that stands still, at a terminal."""

from __future__ import annotations

import re
import subprocess

import pytest

from harness import settings
from harness.runner.options import Options, WrongUse
from tests.harness.runner.project import ROOT, Project
from tests.harness.runner.test_live import CTRL_C, Terminal

STEPS = """
from behave import then, when

@when("{program} says its version")
def says(context, program):
    context.stage.run(f"{program} --version")

@then("the exit code is {code:d}")
def code(context, code):
    assert context.evidence.exit_code("rbee-hive") == code
"""
FEATURE = """Feature: f
  Scenario: held
    When rbee-hive says its version
    Then the exit code is {code}
"""
CTRL_D = b"\x04"
OPTIONS = Options(
    jobs=3, order="plan", seed=1, limit_s=1, run_limit_s=1, run_dir=None, pause=False, stop=False, prove=False
)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one scenario, which is red when its exit code is to be 1."""
    made = Project(tmp_path_factory.mktemp("p"), tmp_path_factory.mktemp("r"))
    made.write("features/environment.py", (ROOT / "features" / "environment.py").read_text())
    made.write("features/steps/held.py", STEPS)
    made.write("features/held.feature", FEATURE.format(code=0))
    return made


def held(project: Project, hold: str, *options: str) -> Terminal:
    """A terminal in which the scenario stands."""
    terminal = Terminal(project)
    terminal.start("-D", f"hold={hold}", "-f", "null", *options)
    terminal.wait_for("hold> ")
    return terminal


def printed(terminal: Terminal, begin: str) -> str:
    """The command that was printed, which begins so."""
    text = re.sub(r"\r\n", "\n", terminal.said)
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(begin))


@pytest.mark.parametrize("line", ["2", "4"])
def test_it_stands_at_its_line_and_goes_on(project: Project, line: str) -> None:
    terminal = held(project, line)
    where = "before line 4: Then the exit code is 0" if line == "4" else "at its end, passed"

    assert f"The scenario stands {where}." in terminal.said
    terminal.type(b"quit\n")

    assert terminal.end() == 0
    assert project.left() == []


def test_it_stands_where_it_fails_and_only_there(project: Project) -> None:
    terminal = Terminal(project)
    terminal.start("-D", "hold=failure", "-f", "null")
    assert terminal.end() == 0
    assert "hold> " not in terminal.said

    project.write("features/held.feature", FEATURE.format(code=1))
    terminal = held(project, "failure")
    terminal.type(CTRL_D)

    assert terminal.end() == 1
    assert "The scenario stands at its end, failed." in terminal.said


@pytest.mark.tools
def test_what_is_printed_can_be_pasted_in_another_terminal(project: Project) -> None:
    terminal = held(project, "4")

    asked = subprocess.run(["/bin/sh", "-c", printed(terminal, "curl")], capture_output=True, text=True, check=False)
    login = f"{printed(terminal, 'HTTP_PROXY=')} uname -n"
    logged_in = subprocess.run(["/bin/sh", "-c", login], capture_output=True, text=True, check=False)
    rows = subprocess.run(["/bin/sh", "-c", printed(terminal, "sqlite3")], capture_output=True, text=True, check=False)
    terminal.type(b"quit\n")

    assert asked.stdout.strip() == '{"status":"ok","version":"0.1.0"}', asked.stderr
    assert logged_in.returncode == 0, logged_in.stderr
    assert "CREATE TABLE" in rows.stdout, rows.stderr
    assert terminal.end() == 0


def test_at_the_prompt_time_can_pass_and_a_node_has_a_shell(project: Project) -> None:
    terminal = held(project, "4")

    terminal.type(b"flow 2 s\n")
    terminal.type(b"sh workstation\n")
    terminal.type(b"echo here I am in ${HOME##*/}\n")
    terminal.wait_for("here I am in home")
    terminal.type(b"exit\n")
    terminal.wait_for("    2.000 s")
    terminal.type(b"sh nowhere\n")
    terminal.wait_for("there is no node nowhere; there are: blep, workstation")
    terminal.type(b"events\n")
    terminal.wait_for("ended with 0")
    terminal.type(b"quit\n")

    assert terminal.end() == 0


@pytest.mark.parametrize("how", ["Ctrl+C", "a closed terminal"])
def test_whatever_ends_it_nothing_is_left(project: Project, how: str) -> None:
    terminal = held(project, "4")

    if how == "Ctrl+C":
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    else:
        terminal.close()
        assert terminal.ran().code in (129, 1)

    assert project.left() == []


def test_real_time_goes_on_and_that_is_said(project: Project) -> None:
    terminal = held(project, "4", "-D", "clock=real")
    terminal.type(b"quit\n")

    assert terminal.end() == 0
    assert "Time goes on, for it is real time." in terminal.said


def test_without_a_terminal_it_is_wrong_use(project: Project) -> None:
    ran = project.behave("-D", "hold=4")

    assert ran.code == 2
    assert "-D hold=4: it is for a terminal, and standard input or output is none" in ran.err


@pytest.mark.parametrize("value", ["soon", "-4", "4.5"])
def test_what_is_no_place_is_said(value: str) -> None:
    with pytest.raises(WrongUse, match="failure, or the line of a step or a scenario, is needed"):
        settings.hold(OPTIONS, {"hold": value})


def test_whoever_holds_nothing_keeps_his_options() -> None:
    assert settings.hold(OPTIONS, {}) is OPTIONS
