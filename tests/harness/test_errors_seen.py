"""The error codes that rbee has published."""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors_seen import PUBLISHED

CONTRACT = Path(__file__).parents[2] / "docs" / "contract.md"


def test_published_codes_are_those_of_the_contract() -> None:
    section = CONTRACT.read_text().partition("## 4.4 ")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]

    codes = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", " ".join(cells)))

    assert codes == PUBLISHED
