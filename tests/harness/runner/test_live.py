"""Watching a scenario live: --no-capture, breakpoint() on a terminal, and the progress there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness.runner.project import LIMIT_S, Project, Ran

CTRL_C = b"\x03"


class Terminal:
    """A terminal, and behave in its foreground."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._ours, self._theirs = pty.openpty()
        self.said = ""

    def start(self, *arguments: str, **options: Any) -> None:
        """Start behave, or the option `command`."""
        terminal = self._theirs

        def take_terminal() -> None:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        self._process = self._project.start(
            *arguments,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=take_terminal,
            env={"TERM": "xterm", "NO_COLOR": "1"},
            **options,
        )
        os.close(terminal)

    def close(self) -> None:
        """Close the terminal: whoever writes to it is refused."""
        os.close(self._ours)

    def ran(self) -> Ran:
        """Wait for behave's end."""
        return self._project.finish(self._process)

    def type(self, keys: bytes) -> None:
        """Type."""
        os.write(self._ours, keys)

    def wait_for(self, text: str) -> None:
        """Wait until `text` has been shown."""
        until_s = time.monotonic() + LIMIT_S
        while text not in self.said:
            assert select.select([self._ours], [], [], until_s - time.monotonic())[0], f"not shown: {text}: {self.said}"
            self.said += os.read(self._ours, 4096).decode()

    def end(self) -> int:
        """Wait for behave's end; its exit code."""
        while select.select([self._ours], [], [], LIMIT_S)[0]:
            try:
                self.said += os.read(self._ours, 4096).decode()
            except OSError:  # nobody has the terminal open any more
                break
        os.close(self._ours)
        return self._process.wait(LIMIT_S)


@pytest.fixture
def terminal(project: Project) -> Terminal:
    """A terminal for the project."""
    project.write(
        "features/steps/pauses.py",
        'from behave import step\n@step("it pauses")\ndef pauses(context):\n    answer = 42\n    breakpoint()\n',
    )
    return Terminal(project)


def test_without_capture_what_steps_print_stands_at_its_place(project: Project) -> None:
    project.feature("one: it prints first; it prints second")

    ran = project.behave("--no-capture", "-f", "plain", "-T", "-j", "4")

    assert ran.out.splitlines()[2:7] == [
        "  Scenario: one",
        "first",
        "    * it prints first ... passed",
        "second",
        "    * it prints second ... passed",
    ]
    assert ran.of("run_started")[0]["jobs"] == 1


def test_without_capture_no_formatter_goes_back_over_what_was_printed(project: Project, terminal: Terminal) -> None:
    project.feature("one: it prints first; it prints second")
    terminal.start("--no-capture", "-f", "pretty", "-D", "limit_s=20")

    assert terminal.end() == 0
    assert "\x1b[" not in terminal.said.replace("\x1b[2K", "")
    assert "first" in terminal.said


def test_without_capture_a_step_is_shown_while_it_runs(project: Project) -> None:
    project.feature("one: it prints first; it reports and sleeps")
    process = project.start("--no-capture", "-f", "plain", "-T")
    project.heard()
    assert process.stdout is not None

    shown = [process.stdout.readline() for _ in range(5)]

    assert shown[-2:] == ["first\n", "    * it prints first ... passed\n"]
    process.terminate()
    project.finish(process)


def test_breakpoint_works_on_a_terminal(project: Project, terminal: Terminal) -> None:
    project.feature("one: it passes; it pauses; it passes")
    terminal.start("--no-capture", "-D", "limit_s=0.5")

    terminal.wait_for("(Pdb)")
    terminal.type(b"p 'answer', answer + 1\n")
    terminal.wait_for("('answer', 43)")
    terminal.type(b"c\n")

    assert terminal.end() == 0
    assert "1 scenario passed" in terminal.said


def test_pause_lets_breakpoint_work_for_several_scenarios(project: Project, terminal: Terminal) -> None:
    project.feature("one: it pauses", "two: it pauses")
    terminal.start("-D", "pause", "-j", "2")

    for _ in range(2):
        terminal.wait_for("(Pdb)")
        terminal.said = ""
        terminal.type(b"c\n")

    assert terminal.end() == 0


def test_ctrl_c_at_a_breakpoint_ends_the_run(project: Project, terminal: Terminal) -> None:
    project.feature("one: it pauses", "two: it passes")
    terminal.start("-D", "pause")
    terminal.wait_for("(Pdb)")

    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert "not run: 1: the run was ended by SIGINT" in terminal.said
    assert project.left() == []


def test_progress_on_a_terminal_tells_what_runs_and_goes_away(project: Project, terminal: Terminal) -> None:
    project.feature("good: it passes", "long: it reports and sleeps")
    terminal.start("-j", "2", "-f", "plain")
    project.heard()

    terminal.wait_for("1 of 2 scenarios done, 0 red")
    terminal.wait_for("features/one.feature:6  long  * it reports and sleeps")
    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert "\x1b[2K" in terminal.said


def test_progress_elsewhere_is_a_line_for_each_verdict(project: Project) -> None:
    project.feature("good: it passes", "bad: it fails")

    ran = project.behave("-D", "jobs=1")

    lines = ran.err.splitlines()
    assert lines[0] == "2 scenarios, 1 at a time"
    assert lines[1].startswith("[1/2] passed: features/one.feature:3  good (0.")
    assert lines[2].startswith("[2/2] failed: features/one.feature:6  bad (0.")
    assert "\x1b" not in ran.err


def test_input_of_an_attempt_is_empty(project: Project) -> None:
    project.feature("one: it reads")
    project.write(
        "features/steps/reads.py",
        'import sys\nfrom behave import step\n@step("it reads")\ndef r(c): assert sys.stdin.read() == ""\n',
    )

    with Path("/dev/zero").open() as zeros:
        assert project.behave(stdin=zeros).code == 0


GOING = """
from behave import step
@step("it goes on when it may")
def goes_on(context):
    with open("said", "w") as said:
        said.write("here\\n")
    with open("go") as go:
        go.read()
"""


def test_run_goes_on_when_its_terminal_is_gone(project: Project) -> None:
    project.feature("first: it goes on when it may", "second: it passes", "third: it fails", "fourth: it passes")
    project.write("features/steps/going.py", GOING)
    project.write("features/environment.py", "def after_all(context):\n    open('ended', 'x').close()\n")
    os.mkfifo(project.directory / "go")
    terminal = Terminal(project)
    behave = f"{sys.executable} -m behave -D run_dir=RUN_DIR -j 1"
    terminal.start(command=["sh", "-c", f"trap '' HUP; exec {behave}"])
    project.heard()

    terminal.close()
    (project.directory / "go").write_text("")
    ran = terminal.ran()

    assert ran.verdicts == {"first": "passed", "second": "passed", "third": "failed", "fourth": "passed"}
    assert (project.directory / "ended").exists()
    assert ran.code == 1
    assert "not all could be written to standard output" in str(ran.of("note"))
