"""A small project with features and steps of its own, on which behave is run with the runner."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report import log

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 60
STEPS = """
import os, signal, subprocess, sys, time
from behave import given, step, then, when

@step("it passes")
def passes(context): pass

@step("it prints {text}")
def prints(context, text): print(text)

@step("it fails")
def fails(context): assert False, "this is not so"

@step("it raises")
def raises(context): raise ValueError("wrong value")

@step("it exits with {code:d}")
def exits(context, code): os._exit(code)

@step("it sleeps")
def sleeps(context): time.sleep(600)

@step("it reports and sleeps")
def reports(context):
    with open("said", "w") as said: said.write(f"{os.getpid()}\\n")
    time.sleep(600)

@step("the number {number:d} is there")
def number(context, number): assert number > 0
"""


@dataclass
class Ran:
    """A finished run. out, err: what it printed. events: its event log."""

    code: int
    out: str
    err: str
    events: list[dict[str, Any]]

    @property
    def verdicts(self) -> dict[str, str]:
        """Scenario's name → the verdict's word."""
        return {event["name"]: event["verdict"] for event in self.of("verdict")}

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [event for event in self.events if event["event"] == kind]

    def verdict(self, name: str) -> dict[str, Any]:
        """The verdict on the scenario of this name."""
        [verdict] = [event for event in self.of("verdict") if event["name"] == name]
        return verdict


class Project:
    """directory: where it lies. run_place: below it lie the folders of its runs."""

    def __init__(self, directory: Path, run_place: Path) -> None:
        self.directory = directory
        self._run_place = run_place
        self._runs = 0
        (directory / "setup.cfg").write_text("[behave]\nrunner = harness.runner:Runner\njobs = 0\n")
        (directory / "features/steps").mkdir(parents=True)
        os.mkfifo(directory / "said")
        self._said = os.open(directory / "said", os.O_RDWR)  # both ends: then it has no end between two writers
        self.write("features/steps/steps.py", STEPS)

    @property
    def run_dir(self) -> Path:
        """The folder of the last run."""
        return self._run_place / str(self._runs)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        (self.directory / path).write_text(text, encoding="utf-8")
        return self.directory / path

    def feature(self, *scenarios: str, name: str = "one") -> None:
        """Write a feature file with the scenarios, each `name: step; step`."""
        lines = [f"Feature: {name}"]
        for scenario in scenarios:
            title, _, steps = scenario.partition(": ")
            *tags, title = title.rsplit(" ", 1) if title.startswith("@") else [title]
            lines += ["", *(f"  {tag}" for tag in tags), f"  Scenario: {title}"]
            lines += [f"    * {step}" for step in steps.split("; ")]
        self.write(f"features/{name}.feature", "\n".join(lines) + "\n")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start behave, or the option `command`."""
        self._runs += 1
        environ = {name: value for name, value in os.environ.items() if not name.startswith("RBEE")}
        environ |= {"HOME": str(self.directory), "PYTHONPATH": str(ROOT)} | options.pop("env", {})
        environ.pop("XDG_STATE_HOME", None)
        behave = [sys.executable, "-m", "behave", "-D", "run_dir=RUN_DIR", *arguments]
        command = [word.replace("RUN_DIR", str(self.run_dir)) for word in options.pop("command", behave)]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(command, cwd=self.directory, env=environ, text=True, **streams)

    def finish(self, process: subprocess.Popen[str], limit_s: float = LIMIT_S) -> Ran:
        """Wait for its end."""
        out, err = process.communicate(timeout=limit_s)
        path = self.run_dir / "events.jsonl"
        return Ran(process.returncode, out, err, list(log.read(path)) if path.exists() else [])

    def behave(self, *arguments: str, **options: Any) -> Ran:
        """Run behave to its end."""
        return self.finish(self.start(*arguments, **options))

    def shell(self, command: list[str], **options: Any) -> Ran:
        """Run a command that runs behave; RUN_DIR in it stands for the run's folder."""
        return self.finish(self.start(command=command, **options))

    def heard(self) -> str:
        """Wait for the next line that a step writes to the file `said`."""
        ready, _, _ = select.select([self._said], [], [], LIMIT_S)
        assert ready, "no step has said anything"
        return os.read(self._said, 4096).decode().split()[0]

    def left(self) -> list[int]:
        """The processes of the last run that are still there: forks of the runner, and what attempts have started."""
        path = self.run_dir / "events.jsonl"
        mark = f"RBEE_BDD_ATTEMPT={next(log.read(path))['run']}."
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                if str(self.run_dir).encode() in about or mark.encode() in about:
                    found.append(int(process.name))
        return found
