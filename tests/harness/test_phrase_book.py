"""The phrase book."""

from __future__ import annotations

import os
from pathlib import Path

from harness import phrase_book

STEPS = '''"""Whether it rains."""
from behave import given, then

@then("it is wet for {days:d} days")
def wet(context, days): pass

@given("it rains")
def rains(context): pass

@given("it snows")
def snows(context): pass
'''
FEATURE = """Feature: weather
  Scenario: rain
    Given it rains
    Then it is wet for 3 days
      | day |
"""


def test_each_sentence_is_there_once_by_area_with_an_example(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "weather.py").write_text(STEPS)
    (tmp_path / "weather.feature").write_text(FEATURE)

    feature = os.path.relpath(tmp_path / "weather.feature")
    assert list(phrase_book.book(tmp_path)) == [
        "",
        "weather: Whether it rains.",
        "",
        "  Given it rains",
        f"        {feature}:3",
        "  Given it snows",
        "  Then  it is wet for {days:d} days",
        "        it is wet for 3 days",
        f"        {feature}:4 with a table",
    ]
