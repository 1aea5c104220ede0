"""What scenarios, hooks and machines have done to runs: each file in cases/ is one such thing, and what must come of
it.

A case has `says`, and of the following what it needs. `step`: what the step of the scenario in question does; with
`verdict`, and `reason` for a part of its reason. Cases with no more than that are run side by side, the others each by
itself. `scenarios`: how many innocent ones there are beside it; `others`: their verdict. `module`, `environment`,
`files`, `feature` with `verdicts`: what is in the project. `options`, `shell`, `environment_variables`: how behave is
started. `exit`, `out`, `err`: its exit code, and a part of what it prints. `full`, `empty`: a file that has, or has
not, something in it. `longest_event`: the most characters of a line in the event log; `events: incomplete`: lines are
missing there."""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.harness.runner.project import Project, Ran
from tests.harness.runner.torture import CASES, IMPORTS, MISDEEDS, STEP

ALONE = {name: case for name, case in CASES.items() if name not in MISDEEDS}
PENDING = """
from behave.api.pending_step import StepNotImplementedError
@step("it is pending")
def is_pending(context): raise StepNotImplementedError()
"""
AFTER_ALL = """
_after_all = globals().get("after_all", lambda context: None)
def after_all(context):
    with open(ENDS, "a") as ends:
        ends.write("end ")
    _after_all(context)
"""
INNOCENTS = 3
LIMIT_S = 6  # some cases do not end before


def prepare(project: Project, cases: dict[str, dict[str, Any]], feature: str = "") -> None:
    """Write a project with the steps of these cases, each in a scenario of its own among innocent ones."""
    settings = {key: value for case in cases.values() for key, value in case.items()}
    bodies = {name: textwrap.indent(str(case.get("step", "pass")), "    ") for name, case in cases.items()}
    steps = [STEP.format(name=name, number=number, body=body) for number, (name, body) in enumerate(bodies.items())]
    project.write("features/steps/cases.py", IMPORTS + PENDING + settings.get("module", "") + "\n" + "\n".join(steps))
    ends = f"ENDS = {str(project.directory / 'ends')!r}\n"
    project.write("features/environment.py", ends + settings.get("environment", "") + AFTER_ALL)
    for path, text in settings.get("files", {}).items():
        project.write(path, text)
    innocents = [f"innocent {number}: it passes" for number in range(settings.get("scenarios", INNOCENTS))]
    guilty = [f"{name}: it does {name}" for name in cases]
    project.feature(*innocents[:1], *guilty, *innocents[1:])
    if feature:
        project.write("features/one.feature", feature)


def start(project: Project, case: dict[str, Any], *options: str) -> Ran:
    """Run behave as the case asks for it."""
    options = (*map(str, case.get("options", [])), *options)
    environ = {"PYTHONPATH": f"{Path.cwd()}:{project.directory}"} | case.get("environment_variables", {})
    if "shell" not in case:
        return project.behave(*options, env=environ)
    behave = shlex.join([sys.executable, "-m", "behave", "-D", "run_dir=RUN_DIR", *options])
    return project.shell(["bash", "-c", case["shell"].format(behave=behave)], env=environ)


def expected_verdicts(name: str, case: dict[str, Any]) -> dict[str, str]:
    """The verdict on each scenario by its name."""
    if "verdict" not in case:
        return dict(case.get("verdicts", {}))
    innocents = {f"innocent {n}": case.get("others", "passed") for n in range(case.get("scenarios", INNOCENTS))}
    return {**innocents, name: case["verdict"]}


def test_cases_side_by_side(project: Project) -> None:
    prepare(project, MISDEEDS)

    ran = start(project, {}, "-j", "4", "-D", f"limit_s={LIMIT_S}", "--junit", "--format", "null")

    wanted = {name: case["verdict"] for name, case in MISDEEDS.items()}
    assert ran.verdicts == {**{f"innocent {number}": "passed" for number in range(INNOCENTS)}, **wanted}
    reasons = {name: ran.verdict(name)["reason"] for name in MISDEEDS}
    assert [name for name, case in MISDEEDS.items() if case.get("reason", "") not in reasons[name]] == []
    [report] = project.directory.glob("reports/*.xml")
    statuses = {case.get("name"): case.get("status") for case in ElementTree.parse(report).iter("testcase")}
    assert statuses == ran.verdicts
    assert ran.code == 1
    assert (project.directory / "ends").read_text() == "end "
    assert project.left() == []


@pytest.mark.parametrize("name", ALONE)
def test_case_alone(project: Project, name: str) -> None:
    case = ALONE[name]
    prepare(project, {name: case}, case.get("feature", ""))

    ran = start(project, case)

    wanted = expected_verdicts(name, case)
    code = case.get("exit", int(any(word != "passed" for word in wanted.values())))
    assert ran.code == code, ran.err
    assert case.get("out", "") in ran.out
    assert case.get("err", "") in ran.err
    assert "Traceback" not in ran.err
    if case.get("events") == "incomplete":
        assert len(ran.verdicts) < len(wanted)
    else:
        assert ran.verdicts == wanted, ran.out + ran.err
    assert case.get("reason", "") in "".join(verdict["reason"] for verdict in ran.of("verdict"))
    if wanted:
        assert (project.directory / "ends").read_text() == "end "
        assert project.left() == []
    for report in project.directory.glob("reports/*.xml"):
        assert len(list(ElementTree.parse(report).iter("testcase"))) == len(wanted)
    for path, is_full in ((case.get("full"), True), (case.get("empty"), False)):
        assert path is None or bool((project.directory / path).read_bytes()) == is_full
    if "longest_event" in case:
        log = (project.run_dir / "events.jsonl").read_text().splitlines()
        assert max(map(len, log)) < case["longest_event"]
