"""A Then step that cannot fail makes the run red, and is told why."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.harness.runner.project import Project, Ran

ENVIRONMENT = """
from harness.evidence import Evidence
from harness.proof import blank

RUN = {"program": "rbee-keeper", "node": "blep", "pid": 7}
EVENTS = [
    {"event": "started", "at_us": 0, "argv": ["rbee-keeper"], **RUN},
    {"event": "output", "at_us": 1, "stream": "stdout", "text": "hello", **RUN},
    {"event": "exited", "at_us": 2, "code": 0, **RUN},
]

def before_all(context):
    blank.watch(context._runner, prove=context.config.userdata.get("prove") == "yes")

def before_scenario(context, scenario):
    context.evidence = Evidence(
        events=EVENTS, places={}, control="blep", mark="", epoch_us=0, real=False, pump=lambda s: False, wait_s=0.0
    )
"""
HEADER = """
from behave import then
from harness.evidence import made_up
LOGIN = made_up.event("login", node="blep")

"""
ARRANGED = """
from behave import given
@given("something is stored")
def stored(context): context.thing = "a thing"
"""


def run(project: Project, sentence: str, definition: str, *arguments: str, block: str = "") -> Ran:
    """Run a scenario whose only Then is `sentence`, with this definition."""
    project.write("features/environment.py", ENVIRONMENT)
    project.write("features/steps/arranged.py", ARRANGED)
    project.write("features/steps/planted.py", HEADER + definition)
    given = "Given something is stored"
    text = f"Feature: planted\n  Scenario: planted\n    {given}\n    When it passes\n    Then {sentence}\n{block}"
    project.write("features/planted.feature", text)
    return project.behave(*arguments)


def then(pattern: str, *lines: str) -> str:
    """The source of a Then step with this pattern."""
    arguments = "".join(f", {name}" for name in re.findall(r"{(\w+)", pattern))
    return "\n    ".join([f"@then({pattern!r})\ndef planted(context{arguments}):", *lines]) + "\n"


PLANTED = {
    "asserts nothing": (
        "it is fine",
        then("it is fine", "context.evidence.runs()"),
        "it passes on evidence that shows nothing",
    ),
    "looks at a stored thing only": (
        "the thing is there",
        then("the thing is there", "context.evidence.runs()", "assert context.thing is not None"),
        "it passes on evidence that shows nothing",
    ),
    "looks at its own words only": (
        'it says "hello"',
        then('it says "{text}"', "context.evidence.exit_code()", "assert text"),
        "the argument text ('hello') could be anything",
    ),
    "an absence without counter-evidence": (
        "nobody logged in",
        then("nobody logged in", "context.evidence.none('login', context.evidence.of_kind('login'))"),
        "it says that there is no login, but names no made-up one",
    ),
    "an absence that cannot fail": (
        "nobody logged in",
        then("nobody logged in", "context.evidence.none('login', context.evidence.of_kind('lgoin'), LOGIN)"),
        "it says that there is no login, and passes when there is one",
    ),
    "an absence by hand": (
        "nobody logged in",
        then("nobody logged in", "assert not context.evidence.of_kind('login')"),
        "it passes on evidence that shows nothing",
    ),
    "an absence by hand beside something that is there": (
        "it ended and nobody logged in",
        then(
            "it ended and nobody logged in",
            "assert context.evidence.exit_code() == 0",
            "assert not context.evidence.of_kind('lgoin')",
        ),
        "it looks for events 'lgoin' and passes without",
    ),
    "an absence of its own words": (
        "nobody logged in to blep",
        then("nobody logged in to {node}", "context.evidence.none('login', context.evidence.of_kind('login'), LOGIN)"),
        "the argument node ('blep') could be anything",
    ),
    "breaks instead of failing": (
        "the first run ended well",
        then("the first run ended well", "assert context.evidence.runs()[0].code == 0"),
        "it breaks with IndexError: list index out of range",
    ),
    "ignores an argument": (
        "the exit code is 0",
        then("the exit code is {code:d}", "assert context.evidence.exit_code() == 0"),
        "the argument code (0) could be anything",
    ),
}


@pytest.mark.parametrize(("sentence", "definition", "reason"), PLANTED.values(), ids=PLANTED.keys())
def test_a_step_that_cannot_fail_is_unproven(project: Project, sentence: str, definition: str, reason: str) -> None:
    ran = run(project, sentence, definition, "-D", "prove=yes", "--junit")

    assert ran.code == 1
    assert ran.verdict("planted")["verdict"] == "unproven"
    assert ran.verdict("planted")["reason"].startswith(f"unproven: Then {sentence}\n")
    assert reason in ran.verdict("planted")["reason"]
    assert reason in ran.out
    assert "0 of 1 Then steps proven" in ran.out
    [case] = ElementTree.parse(project.directory / "reports/TESTS-planted.xml").getroot().iter("testcase")
    assert case.get("status") == "unproven"
    assert reason in case[0].get("message", "")


OFFENDING = {
    "asserts nothing": ("it is fine", then("it is fine", "pass"), "it reads no evidence"),
    "sets its own expectation": (
        "the exit code is 0",
        then("the exit code is {code:d}", "context.code = code", "assert context.code == code"),
        "it sets context.code; a Then step only reads",
    ),
    "deletes": ("it is gone", then("it is gone", "del context.thing"), "it deletes context.thing"),
    "looks at its own words only": ('it says "hello"', then('it says "{text}"', "assert text"), "it reads no evidence"),
    "looks at a stored thing only": (
        "the thing is there",
        then("the thing is there", "assert context.thing is not None"),
        "it reads no evidence",
    ),
    "acts": ("it acts", then("it acts", "context.execute_steps('When it passes')"), "it uses context.execute_steps"),
}


@pytest.mark.parametrize("prove", ["yes", "no"])
@pytest.mark.parametrize(("sentence", "definition", "reason"), OFFENDING.values(), ids=OFFENDING.keys())
def test_a_step_that_does_not_only_read_is_an_error_in_every_run(
    project: Project,
    sentence: str,
    definition: str,
    reason: str,
    prove: str,
) -> None:
    ran = run(project, sentence, definition, "-D", f"prove={prove}")

    assert ran.code == 1
    assert ran.verdict("planted")["verdict"] == "error"
    assert f"NotOnlyReading: {reason}" in ran.out


def test_steps_that_can_fail_are_proven_and_counted_from_several_attempts(project: Project) -> None:
    definition = """
@then("the exit code is {code:d}")
def exit_code(context, code):
    seen = context.evidence.exit_code()
    assert seen == code, seen

@then("it prints:")
def prints(context):
    seen = context.evidence.printed("stdout").splitlines()
    assert seen == context.text.splitlines(), seen

@then("nobody logged in to {node}")
def nobody(context, node):
    login = made_up.event("login", node=node)
    context.evidence.none("login", context.evidence.of_kind("login", node=node), login)

@then("the run is:")
def run(context):
    run = context.evidence.run()
    assert (run.program, run.node) == tuple(context.table[0].cells), run
    assert context.table.headings == ["program", "node"], context.table
"""
    block = """
    And it prints:
      \"\"\"
      hello
      \"\"\"
    But nobody logged in to blep
    And the run is:
      | program     | node |
      | rbee-keeper | blep |

  Scenario: other
    * it passes
    Then the exit code is 0
"""

    ran = run(project, "the exit code is 0", definition, "-D", "prove=yes", "-j", "2", block=block)

    assert ran.verdicts == {"planted": "passed", "other": "passed"}
    assert "5 of 5 Then steps proven" in ran.out
    assert ran.code == 0


def test_an_ordinary_run_does_not_ask_for_proof(project: Project) -> None:
    sentence, definition, _ = PLANTED["asserts nothing"]

    ran = run(project, sentence, definition)

    assert ran.verdicts == {"planted": "passed"}
    assert "proven" not in ran.out
