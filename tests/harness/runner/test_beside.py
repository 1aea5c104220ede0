"""Scenarios that mostly wait: they are begun first, and beside as many others as may run at a time."""

from __future__ import annotations

from tests.harness.runner.project import Project

ENVIRONMENT = """
import dataclasses
from harness.runner import options

options.adjusted_by(lambda userdata: lambda chosen: dataclasses.replace(chosen, waiting_tag="patient"))
"""
STEPS = """
import os, time
from behave import step

@step("{count:d} meet")
def meet(context, count):
    os.makedirs("met", exist_ok=True)
    open(f"met/{os.getpid()}", "w").close()
    until_s = time.monotonic() + 20
    while len(os.listdir("met")) < count:
        assert time.monotonic() < until_s, os.listdir("met")
        time.sleep(0.01)
"""
FEATURE = """Feature: f
  Scenario: busy one
    Given 4 meet
  Scenario: busy two
    Given 4 meet
  @patient
  Scenario: patient one
    Given 4 meet
  @patient
  Scenario: patient two
    Given 4 meet
"""


def test_who_waits_takes_no_place_of_the_others(project: Project) -> None:
    project.write("features/environment.py", ENVIRONMENT)
    project.write("features/steps/meet.py", STEPS)
    project.write("features/one.feature", FEATURE)

    ran = project.behave("-j", "2")

    assert ran.code == 0, ran.out
    begun = [event["number"] for event in ran.of("attempt_started")]
    assert begun[:2] == [3, 4]
    assert "4 scenarios, 2 at a time, and 2 that mostly wait beside them" in ran.err
