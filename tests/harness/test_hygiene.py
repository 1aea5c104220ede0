"""Hygiene of sentences: each offence is found and named, and what is in order is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.hygiene import findings

FEATURE = """
Feature: Hives
  Background:
    Given node "blep" is up

  Scenario: A hive answers
    When the hive on "blep" is asked
      | path    |
      | /health |
    Then it says
      '''
      alive
      '''
"""

STEPS = """
from behave import given, when, then

@given('node "{name}" is up')
def node_is_up(context, name):
    context.stage.start(name)

@when('the hive on "{name}" is asked')
def hive_is_asked(context, name):
    context.stage.ask(name, context.table)

@then('it says')
def it_says(context):
    assert context.evidence.stdout == context.text
"""

Check = Callable[..., list[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Write a features directory (what is given replaces what is in order) and return the findings there."""

    def write_and_check(steps: str = STEPS, feature: str = FEATURE, more: str = "") -> list[str]:
        (tmp_path / "steps").mkdir()
        (tmp_path / "steps" / "hives.py").write_text(steps + more)
        (tmp_path / "hives.feature").write_text(feature)
        return findings(tmp_path)

    return write_and_check


def test_sentences_in_order_have_no_findings(check: Check) -> None:
    assert check() == []


def test_undefined_sentence_is_found_with_its_place(check: Check) -> None:
    (finding,) = check(
        feature=FEATURE.replace("it says", "it sings", 1) + "    And it says\n      '''\n      x\n      '''\n"
    )

    assert "hives.feature:10: no definition for 'it sings'" in finding


def test_sentence_of_a_scenario_under_work_may_be_undefined(check: Check) -> None:
    assert check(feature=FEATURE + "\n  @wip\n  Scenario: Later\n    When it sings\n") == []


def test_undefined_background_is_found_although_one_scenario_is_under_work(check: Check) -> None:
    feature = FEATURE.replace("is up", "is down") + '\n  @wip\n  Scenario: Later\n    Given node "blep" is up\n'

    (finding,) = check(feature=feature)

    assert "no definition for 'node \"blep\" is down'" in finding


@pytest.mark.parametrize("order", [("{who} says", "the hive says"), ("the hive says", "{who} says")])
def test_patterns_are_ambiguous_in_either_load_order(check: Check, order: tuple[str, str]) -> None:
    functions = [
        f"@given('{pattern}')\ndef step_{number}(context, who='x'):\n    context.stage.say(who)\n"
        for number, pattern in enumerate(order)
    ]
    feature = FEATURE + "\n  Scenario: Two\n    Given the hive says\n    Given a worker says\n"

    assert any(
        "ambiguous" in finding or "matches 'the hive says'" in finding
        for finding in check(feature=feature, more="\n".join(functions))
    )


def test_sentence_that_two_patterns_match_is_found_though_neither_matches_the_other(check: Check) -> None:
    more = """
@given('{who} says moo')
def says_moo(context, who):
    context.stage.say(who)

@given('the hive {verb} moo')
def hive_moos(context, verb):
    context.stage.say(verb)
"""
    feature = (
        FEATURE + "\n  Scenario: Moo\n    Given the hive says moo\n    Given a says moo\n    Given the hive sings moo\n"
    )

    (finding,) = check(feature=feature, more=more)

    assert "'the hive says moo' is ambiguous between" in finding


def test_same_sentence_for_given_and_when_is_not_ambiguous(check: Check) -> None:
    more = """
@given('the hive starts')
def hive_starts(context):
    context.stage.start('hive')

@when('the hive starts')
def hive_starts_now(context):
    context.stage.start('hive')
"""

    assert (
        check(feature=FEATURE + "\n  Scenario: S\n    Given the hive starts\n    When the hive starts\n", more=more)
        == []
    )


def test_unused_definition_is_found(check: Check) -> None:
    (finding,) = check(more="\n@when('nobody says this')\ndef unused(context):\n    context.stage.wait()\n")

    assert "no scenario says 'nobody says this'" in finding


def test_ignored_argument_is_found(check: Check) -> None:
    (finding,) = check(STEPS.replace("context.stage.start(name)", "context.stage.start('blep')"))

    assert "ignores its argument 'name'" in finding


@pytest.mark.parametrize(("block", "word"), [("context.table", "table"), ("context.text", "text")])
def test_ignored_table_or_docstring_is_found(check: Check, block: str, word: str) -> None:
    (finding,) = check(STEPS.replace(block, "'alive'"))

    assert f"ignores the {word} of this sentence" in finding


def test_sentence_without_the_table_that_its_step_needs_is_found(check: Check) -> None:
    (finding,) = check(feature=FEATURE.replace("      | path    |\n      | /health |\n", ""))

    assert "needs a table, and this sentence has none" in finding


def test_title_given_twice_is_found(check: Check) -> None:
    (finding,) = check(feature=FEATURE + '\n  Scenario: A hive answers\n    Given node "blep" is up\n')

    assert "the title 'A hive answers' is that of" in finding


@pytest.mark.parametrize(
    ("body", "offence"),
    [
        ("assert 'alive' == context.text", "uses no context.evidence"),
        ("context.seen = context.evidence.stdout == context.text", "writes context.seen"),
        ("assert context.stage.run() == context.evidence.stdout == context.text", "uses context.stage"),
        ("assert same(context, context.evidence, context.text)", "hands its whole context on"),
        ("assert context.worker and context.evidence.stdout == context.text", "uses context.worker"),
    ],
)
def test_then_that_does_more_than_read_evidence_is_found(check: Check, body: str, offence: str) -> None:
    (finding,) = check(STEPS.replace("assert context.evidence.stdout == context.text", body))

    assert offence in finding


@pytest.mark.parametrize(
    ("act", "offence"),
    [
        ("context.stage.start(name)", "uses no context.evidence or context.stage"),
        ("context.stage.ask(name, context.table)", "uses no context.stage"),
    ],
)
def test_given_or_when_that_does_nothing_is_found(check: Check, act: str, offence: str) -> None:
    (finding,) = check(STEPS.replace(act, "print(name, context.table)" if "table" in act else "print(name)"))

    assert offence in finding


def test_given_may_check_what_it_says(check: Check) -> None:
    assert check(STEPS.replace("context.stage.start(name)", "assert name in context.evidence.nodes")) == []


def test_definition_for_any_keyword_is_found(check: Check) -> None:
    more = "\nfrom behave import step\n@step('it rains')\ndef rains(context):\n    context.stage.rain()\n"

    (finding,) = check(feature=FEATURE + "    When it rains\n", more=more)

    assert "is for any keyword" in finding
