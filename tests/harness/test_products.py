"""The verdicts on scenarios whose products misbehave: red for them, each with its reason, and for nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.runner.project import ROOT, Project, Ran

CASES = Path(__file__).parent / "world" / "cases"
STEPS = f"""
import sys
from behave import then, when

@when("a product misbehaves: {{case}}")
def misbehaves(context, case):
    context.stage.run(f"{{sys.executable}} {CASES}/{{case}}.py")

@when("all is well")
def is_well(context):
    context.stage.run("rbee-keeper --version")

@then("it has ended")
def has_ended(context):
    assert context.evidence.exit_code(context.evidence.runs()[-1].program) == 0
"""
SCENARIOS = ("hides", "prints-100-mb", "prints-without-end")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of one scenario for each that misbehaves, and of one in which all is well."""
    project = Project(tmp_path_factory.mktemp("p"), tmp_path_factory.mktemp("r"))
    project.write("features/environment.py", (ROOT / "features" / "environment.py").read_text())
    project.write("features/steps/products.py", STEPS)
    scenarios = [f"{case}: When a product misbehaves: {case}; Then it has ended" for case in SCENARIOS]
    lines = ["Feature: products", "  Scenario: well", "    When all is well", "    Then it has ended"]
    for scenario in scenarios:
        name, _, steps = scenario.partition(": ")
        lines += [f"  Scenario: {name}", *(f"    {step}" for step in steps.split("; "))]
    project.write("features/products.feature", "\n".join(lines) + "\n")
    return project.behave("-j", "4", "-f", "null")


def test_who_is_well_beside_them_is_green(ran: Ran) -> None:
    assert ran.verdict("well")["verdict"] == "passed"


def test_a_product_that_hides_a_process_has_leaked(ran: Ran) -> None:
    verdict = ran.verdict("hides")

    assert verdict["verdict"] == "leaked"
    assert verdict["reason"].startswith("left behind, and hidden from its stage: ")
    assert "hidden 600" in verdict["reason"]


@pytest.mark.parametrize("case", ["prints-100-mb", "prints-without-end"])
def test_a_product_that_prints_too_much_is_red_and_said(ran: Ran, case: str) -> None:
    verdict = ran.verdict(case)

    assert verdict["verdict"] == "error"
    assert "printed more than 16 MB: it was killed" in verdict["reason"]
