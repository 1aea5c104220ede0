"""Attempts to reach a host that says nothing."""

from __future__ import annotations

import pytest

from harness.checks import attempts
from harness.evidence import Evidence
from tests.harness import told


def tried(*waits_us: int, limit_us: int = 10_000_000, how: str = "swallowed") -> Evidence:
    """One attempt after each of these waits, and what became of all."""
    events, at_us = told.keeper(), 0
    for wait_us in waits_us:
        asked, *_, ended = told.later(at_us + wait_us, told.exchange("hive", "GET /v1/health", took_us=limit_us))
        events += [asked, {**ended, "how": how}]
        at_us = ended["at_us"]
    return told.evidence(*events)


def test_attempts_with_wanted_limits_and_delays_are_accepted() -> None:
    evidence = tried(0, 200_000, 400_000)

    attempts.expect_attempts(evidence, "workstation.home.arpa", 9200, 10, [200, 400])


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (tried(0, 200_000), "how many there were"),
        (tried(0, 200_000, 400_000, 800_000), "how many there were"),
        (tried(0, 200_000, 400_001), "the wait before"),
        (tried(0, 200_000, 400_000, limit_us=9_999_999), "given up"),
        (tried(0, 200_000, 400_000, how="refused"), "the attempts to reach"),
    ],
)
def test_other_attempts_are_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        attempts.expect_attempts(evidence, "workstation.home.arpa", 9200, 10, [200, 400])
