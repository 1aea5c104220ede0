"""A hive that looks after the health of its worker."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks import health
from harness.evidence import Evidence, made_up
from tests.harness import one_worker_told as worker
from tests.harness import told

CHECK = "GET /v1/health"
S = 1_000_000


def checked(*at_s: int, misses_s: tuple[int, ...] = (), limit_us: int = 5 * S) -> list[told.Event]:
    """A worker that answered checks at these times, and left those at `misses_s` unanswered."""
    answered = [event for one in at_s for event in worker.asked(CHECK, one * S)]
    missed = [event for one in misses_s for event in worker.unanswered(CHECK, one * S, given_up_us=limit_us)]
    return [*worker.start(), *answered, *missed]


def seen(*events: told.Event) -> Evidence:
    return told.evidence(*events, nodes=[worker.NODE])


def test_answered_checks_of_one_distance_are_accepted() -> None:
    health.expect_checked(seen(*checked(30, 60, 90)), worker.ID, 30, 3)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (worker.start(), "did not ask worker-abc123 for its health"),
        (checked(30, 60), "how the checks were answered"),
        (checked(30, 60, 91), "wanted 30 s, seen 31"),
        (checked(30, 60, misses_s=(90,)), "how the checks were answered"),
        ([*worker.start(), *worker.asked(CHECK, 0, asker="operator")], "did not ask worker-abc123"),
    ],
)
def test_checks_that_are_not_as_wanted_are_told(events: list[told.Event], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        health.expect_checked(seen(*events), worker.ID, 30, 3)


def entry(at_s: int) -> dict[str, Any]:
    return {"id": worker.ID, "last_activity": {"secs_since_epoch": at_s, "nanos_since_epoch": 0}}


def test_an_answer_is_the_last_activity() -> None:
    health.expect_sign_of_life(seen(*checked(30), *worker.listed(entry(30))), worker.NODE, worker.ID)


def test_another_last_activity_is_told() -> None:
    with pytest.raises(AssertionError, match="to its last activity"):
        health.expect_sign_of_life(seen(*checked(30), *worker.listed(entry(3))), worker.NODE, worker.ID)


def test_the_health_in_the_list_is_compared() -> None:
    evidence = seen(*worker.listed({"id": worker.ID, "healthy": True}))

    with pytest.raises(AssertionError, match="wanted 'unhealthy', seen 'healthy'"):
        health.expect_listed_as(evidence, worker.NODE, worker.ID, "unhealthy")


def test_three_misses_after_answers_are_accepted() -> None:
    health.expect_removed(seen(*checked(30, misses_s=(60, 90, 120))), worker.ID, 3, 30, 5)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (checked(30, misses_s=(60, 90)), "how the checks were answered"),
        (checked(30, misses_s=(60, 90, 120, 150)), "how the checks were answered"),
        (checked(30, misses_s=(60, 90, 121)), "wanted 30 s, seen 31"),
        (checked(30, misses_s=(60, 90, 120), limit_us=4 * S), "the limit of"),
    ],
)
def test_other_misses_are_told(events: list[told.Event], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        health.expect_removed(seen(*events), worker.ID, 3, 30, 5)


def test_a_removed_worker_that_lives_is_told() -> None:
    process = made_up.process("llm-worker-rbee", worker.NODE, "--worker-id", worker.ID)
    evidence = seen(*checked(30, misses_s=(60, 90, 120))).at_once(process)

    with pytest.raises(AssertionError, match="no process of worker-abc123"):
        health.expect_removed(evidence, worker.ID, 3, 30, 5)
