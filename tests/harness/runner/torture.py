"""A run of many scenarios of which half misbehave, each in a way of its own, drawn at random: whatever they do, every
one has its verdict, and nothing is left.

    python -m tests.harness.runner.torture --seed N --scenarios M

The misdeeds are those of cases/ that are a step and no more: whatever goes wrong once is drawn from then on."""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from tests.harness.runner.project import Project, Ran

FILES = sorted(Path(__file__).with_name("cases").glob("*.yaml"))
CASES: dict[str, dict[str, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
MISDEEDS = {name: case for name, case in CASES.items() if set(case) <= {"says", "step", "verdict", "reason"}}
IMPORTS = "import os, pathlib, resource, shutil, signal, socket, subprocess, sys, time\nfrom behave import step\n"
STEP = '@step("it does {name}")\ndef case_{number}(context):\n{body}\n'
# Of these many would only make the run long: each takes a whole limit.
RARE = {name for name, case in MISDEEDS.items() if case["verdict"] == "timeout"}
LIMIT_S = 15  # of a scenario, on a machine that is busy with all the others
RUN_LIMIT_S = 900
# What hooks do to the process of the runner.
HOOKS = {
    "nothing": "pass",
    "frozen time": "import time; time.time = time.monotonic = time.perf_counter = lambda: 1.0",
    "warnings as errors": "import warnings; warnings.simplefilter('error')",
    "impatient sockets": "import socket; socket.setdefaulttimeout(0.001)",
}
ENDED = "def after_all(context):\n    with open(ENDS, 'a') as ends: ends.write('end ')\n"


@dataclass(frozen=True)
class Plan:
    """feature: its text. wanted: the verdict on each scenario by its name. hook: one of HOOKS. options: of behave."""

    feature: str
    wanted: dict[str, str]
    hook: str
    options: list[str]


def draw(seed: int, scenarios: int) -> Plan:
    """The same plan for the same seed."""
    chance = random.Random(seed)
    hook = chance.choice(list(HOOKS))
    # Where time stands, multiprocessing waits for ever for the end of its own pool, with any runner.
    drawn = [name for name in sorted(MISDEEDS) if hook != "frozen time" or "multiprocessing" not in name]
    lines, wanted = ["Feature: torture"], {}
    for number in range(scenarios):
        passing = ["    * it passes"] * chance.randint(1, 4)
        if chance.random() < 0.5:
            name, steps, wanted[f"{number} innocent"] = f"{number} innocent", passing, "passed"
        else:
            misdeed = chance.choice(drawn)
            if misdeed in RARE and chance.random() < 0.7:
                misdeed = "kills-itself"
            name = f"{number} {misdeed}"
            wanted[name] = MISDEEDS[misdeed]["verdict"]
            at = chance.randint(0, len(passing)) if wanted[name] != "passed" else len(passing)
            steps = [*passing[:at], f"    * it does {misdeed}", *passing[at:]]
        lines += ["", f"  Scenario: {name}", *steps]
    order = ["-D", "order=random", "-D", f"seed={seed}"]
    options = ["-j", str(chance.randint(1, 6)), *order, "-f", chance.choice(["null", "progress", "plain", "json"])]
    limits = ["-D", f"limit_s={LIMIT_S}", "-D", f"run_limit_s={RUN_LIMIT_S}"]
    return Plan("\n".join(lines) + "\n", wanted, hook, [*options, *limits, "--junit"])


def write(project: Project, plan: Plan) -> None:
    """Write what the plan needs into a project."""
    steps = [
        STEP.format(name=name, number=number, body="".join(f"    {line}\n" for line in str(case["step"]).splitlines()))
        for number, (name, case) in enumerate(MISDEEDS.items())
    ]
    project.write("features/steps/misdeeds.py", IMPORTS + "\n".join(steps))
    project.write("features/one.feature", plan.feature)
    hook = f"ENDS = {str(project.directory / 'ends')!r}\ndef before_all(context):\n    {HOOKS[plan.hook]}\n"
    project.write("features/environment.py", hook + ENDED)


def findings(project: Project, plan: Plan, ran: Ran) -> list[str]:
    """What is not as it should be after the run."""
    found = [
        f"{name}: wanted {wanted}, seen {ran.verdicts.get(name)}: {reason_of(ran, name)}"
        for name, wanted in plan.wanted.items()
        if ran.verdicts.get(name) != wanted
    ]
    counts = Counter(plan.wanted.values())
    code = int(counts["passed"] < counts.total())
    found += [f"exit code {ran.code}, wanted {code}"] if ran.code != code else []
    counted = re.search(r"^(\d+) scenarios? passed(.*)$", ran.out + ran.err, re.MULTILINE)
    seen = counted and {
        "passed": int(counted[1]),
        **{word: int(n) for n, word in re.findall(r"(\d+) (\w+)", counted[2])},
    }
    found += [f"the summary says {seen}, wanted {dict(counts)}"] if +Counter(seen) != counts else []
    [report] = project.directory.glob("reports/*.xml")
    junit = {case.get("name"): case.get("status") for case in ElementTree.parse(report).iter("testcase")}
    found += ["JUnit differs from the event log"] if junit != ran.verdicts else []
    left = project.left()
    found += [f"left behind: {left}"] if left else []
    ends = (project.directory / "ends").read_text()
    return found + ([f"after_all ran {ends!r}"] if ends != "end " else [])


def reason_of(ran: Ran, name: str) -> str:
    """Why the scenario has its verdict."""
    return next((each["reason"][:200] for each in ran.of("verdict") if each["name"] == name), "no verdict")


def torture(seed: int, scenarios: int) -> list[str]:
    """Run it; returns what is not as it should be."""
    plan = draw(seed, scenarios)
    directory, run_place = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp(prefix="rb-"))
    project = Project(directory, run_place)
    write(project, plan)
    found = findings(project, plan, project.finish(project.start(*plan.options), limit_s=RUN_LIMIT_S + 60))
    for made in (directory, run_place):
        shutil.rmtree(made, ignore_errors=True)
    return found


def main(arguments: list[str]) -> int:
    """Run it, and print what is not as it should be; the exit code is 0 when there is nothing, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description="Scenarios that misbehave, at random.")
    parser.add_argument("--seed", type=int, required=True, help="the same seed draws the same scenarios")
    parser.add_argument("--scenarios", type=int, default=300, help="how many; 300 unless told")
    chosen = parser.parse_args(arguments)
    found = torture(chosen.seed, chosen.scenarios)
    again = f"scripts/torture --seed {chosen.seed} --scenarios {chosen.scenarios}"
    print(*found, f"torture: {chosen.scenarios} scenarios, {len(found)} findings; again: {again}", sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
