"""Errors as programs tell them to each other, and the codes that rbee has published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.checks import errors
from harness.checks.errors import PUBLISHED
from harness.evidence import Evidence
from tests.harness import told

CONTRACT = Path(__file__).parents[3] / "docs" / "contract.md"


def test_published_codes_are_those_of_the_contract() -> None:
    section = CONTRACT.read_text().partition("## 4.4 ")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]

    codes = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", " ".join(cells)))

    assert codes == PUBLISHED


ERROR = {"code": "VRAM_EXHAUSTED", "message": "too much", "details": {"required": 6000}}
TEXT = """{
  "error": {
    "code": "VRAM_EXHAUSTED",
    "details": {
      "required": 6000
    },
    "message": "too much"
  }
}"""


def refused(*told_errors: dict[str, Any], error: dict[str, Any] = ERROR) -> Evidence:
    """A task for which the hive refused a worker with `error`; the user's program was told `told_errors`."""
    spawn = told.exchange("hive", "POST /v1/workers/spawn", {"error": error}, status=507)
    return told.evidence(*told.task(*({"type": "error", **one} for one in told_errors)), *spawn, *told.keeper())


def test_the_envelope_is_compared_whole() -> None:
    errors.expect_envelope(refused(), "workstation", 507, TEXT)


@pytest.mark.parametrize(
    ("evidence", "status", "text", "fault"),
    [
        (refused(), 500, TEXT, "the hive's status"),
        (refused(), 507, TEXT.replace("6000", "6001"), "the hive's answer"),
        (refused(), 507, TEXT.partition("\n")[2], "how many lines it has"),
        (refused(error={**ERROR, "hint": "none"}), 507, TEXT, "the hive's answer"),
    ],
)
def test_another_envelope_is_told(evidence: Evidence, status: int, text: str, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        errors.expect_envelope(evidence, "workstation", status, text)


def test_an_error_that_is_passed_on_is_accepted() -> None:
    errors.expect_passed_on(refused(ERROR), "workstation", "VRAM_EXHAUSTED")


@pytest.mark.parametrize("told_errors", [[], [{**ERROR, "message": "other"}], [ERROR, ERROR]])
def test_an_error_that_is_changed_on_the_way_is_told(told_errors: list[dict[str, Any]]) -> None:
    with pytest.raises(AssertionError, match="the errors that the user's program was told of"):
        errors.expect_passed_on(refused(*told_errors), "workstation", "VRAM_EXHAUSTED")


def test_a_code_of_ones_own_is_told() -> None:
    error = {**ERROR, "code": "OWN"}

    with pytest.raises(AssertionError, match="OWN is none of rbee's published codes"):
        errors.expect_passed_on(refused(error, error=error), "workstation", "OWN")
