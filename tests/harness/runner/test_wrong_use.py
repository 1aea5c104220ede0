"""What cannot be run as asked is one sentence and exit code 2; what can be understood, is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.runner.project import Project

FEATURE = "Feature: one\n  Scenario: first\n    * it passes\n"
OUTLINE = """Feature: one
  Scenario Outline: o
    * it <does>

    Examples: A
      | does   |
      | passes |

    Examples: B
      | does   |
      | passes |
      | fails  |
"""


def sentence(project: Project, *arguments: str) -> str:
    """The one line that wrong use is told in; nothing was run then."""
    ran = project.behave(*arguments)
    [line] = [line for line in ran.err.splitlines() if line.startswith("behave: ")]
    assert "Traceback" not in ran.err + ran.out
    assert (ran.code, ran.verdicts) == (2, {})
    return line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FEATURE.replace("passes", "pässes").encode("latin-1"), "'utf-8' codec can't decode byte 0xe4"),
        (b"# language: xx\n" + FEATURE.encode(), "there is no language 'xx'"),
        (b"Feature: one\n  Scenario: first\n    * it passes\n  Nonsense\n", "line 4"),
    ],
)
def test_feature_that_cannot_be_read_is_named(project: Project, text: bytes, told: str) -> None:
    (project.directory / "features/one.feature").write_bytes(text)

    said = sentence(project)

    assert "features/one.feature" in said
    assert told in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--lang=zz"], "there is no language 'zz'"),
        (["features/one.feature:abc"], "features/one.feature:abc: there is no such file"),
        (["features/not.feature"], "features/not.feature: there is no such file"),
        (["@not.txt"], "not.txt: there is no such file"),
        (["-D", "run_dir=~nobody-is-called-so/x"], "-D run_dir=~nobody-is-called-so/x: "),
        (["-D", "limit_s=None"], "-D limit_s=None: a number of seconds above 0 is needed"),
    ],
)
def test_what_is_wrong_is_told(project: Project, arguments: list[str], told: str) -> None:
    project.write("features/one.feature", FEATURE)

    assert told in sentence(project, *arguments)


def test_a_hook_may_not_set_a_limit_that_is_none(project: Project) -> None:
    project.write("features/one.feature", FEATURE)
    project.write("features/environment.py", "def before_all(c): c.config.userdata['limit_s'] = None\n")

    assert "limit_s=None" in sentence(project)


def test_mark_of_the_byte_order_is_no_part_of_a_feature(project: Project) -> None:
    (project.directory / "features/one.feature").write_bytes(b"\xef\xbb\xbf" + FEATURE.encode())

    assert project.behave().verdicts == {"first": "passed"}


@pytest.mark.parametrize("limit", ["limit_s=1e7", "limit_s=1e12", "run_limit_s=1e300"])
def test_limit_may_be_as_long_as_one_likes(project: Project, limit: str) -> None:
    project.write("features/one.feature", FEATURE)

    assert project.behave("-D", limit).code == 0


def test_empty_number_of_jobs_is_none(project: Project) -> None:
    project.write("features/one.feature", FEATURE)

    assert project.behave(env={"RBEE_BDD_JOBS": ""}).code == 0


@pytest.mark.parametrize("line", [9, 10])
def test_line_of_examples_means_their_rows(project: Project, line: int) -> None:
    project.write("features/one.feature", OUTLINE)

    ran = project.behave(f"features/one.feature:{line}")

    assert ran.verdicts == {"o -- @2.1 B": "passed", "o -- @2.2 B": "failed"}


def test_repeating_keeps_stage_and_language(project: Project) -> None:
    project.write("features/one.feature", "Funktionalität: eins\n  Szenario: erstes\n    * it fails\n")
    steps = Path(project.directory, "features/steps")
    steps.rename(steps.with_name("prod_steps"))

    ran = project.behave("--stage=prod", "--lang=de")

    assert ran.verdict("erstes")["again"].endswith("--stage=prod --lang=de features/one.feature:2")


def test_exceptions_in_a_group_are_told(project: Project) -> None:
    project.feature("many: it raises many")
    project.write(
        "features/steps/many.py",
        "from behave import step\n@step('it raises many')\n"
        "def many(context): raise ExceptionGroup('two things', [ValueError('one'), KeyError('two')])\n",
    )

    ran = project.behave()

    reason = ran.verdict("many")["reason"].splitlines()
    assert reason[:3] == ["ExceptionGroup: two things (2 sub-exceptions)", "  ValueError: one", "  KeyError: 'two'"]
    assert "  KeyError: 'two'" in ran.out
