"""Workers that are told to end."""

from __future__ import annotations

import pytest

from harness.checks import shutdown
from harness.evidence import Evidence, made_up
from tests.harness import one_worker_told as worker
from tests.harness import told

SHUTDOWN = f"POST {shutdown.SHUTDOWN}"
S = 1_000_000


def seen(*events: told.Event) -> Evidence:
    return told.evidence(*worker.start(), *events, nodes=[worker.NODE])


def test_a_shutdown_after_five_idle_minutes_is_accepted() -> None:
    events = [*worker.state("idle", 3 * S), *worker.asked(SHUTDOWN, 303 * S)]

    shutdown.expect_idle_limit(seen(*events), worker.ID, 5)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (worker.state("idle", 0), "how often worker-abc123 was asked to shut down: wanted 1, seen 0"),
        ([*worker.state("idle", 0), *worker.asked(SHUTDOWN, 299 * S)], "wanted 300 s, seen 299"),
        ([*worker.state("busy", 0), *worker.asked(SHUTDOWN, 300 * S)], "was not idle"),
        ([*worker.state("idle", 0), *worker.asked(SHUTDOWN, 300 * S, asker="blep")], "who asked"),
    ],
)
def test_a_shutdown_for_another_reason_is_told(events: list[told.Event], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        shutdown.expect_idle_limit(seen(*events), worker.ID, 5)


def test_a_request_before_the_worker_was_started_was_not_for_it() -> None:
    evidence = told.evidence(*worker.asked(SHUTDOWN, 0), *worker.start(), nodes=[worker.NODE])

    with pytest.raises(AssertionError, match="wanted 1, seen 0"):
        shutdown.request(evidence, worker.ID)


def ended(code: int = 0, at_us: int = 2 * S) -> Evidence:
    line = worker.logged(f"rbee-hive: worker {worker.ID} exited with code {code}", at_us)
    return seen(*worker.asked(SHUTDOWN, 0), line)


def test_in_real_time_a_limit_may_be_seen_to_begin_late() -> None:
    evidence = ended(code=-9, at_us=5 * S - 1000)
    evidence.real = True

    shutdown.expect_ended(evidence, worker.ID, -9, 5)


def test_an_end_in_time_is_accepted() -> None:
    shutdown.expect_ended(ended(), worker.ID, 0, 2)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (ended(code=-9), "the exit code of worker-abc123: wanted '0', seen '-9'"),
        (ended(at_us=3 * S), "wanted 2 s, seen 3"),
        (seen(*worker.asked(SHUTDOWN, 0)), "nobody on workstation logged"),
        (ended().at_once(made_up.process("llm-worker-rbee", worker.NODE, "--worker-id", worker.ID)), "no process of"),
    ],
)
def test_another_end_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        shutdown.expect_ended(evidence, worker.ID, 0, 2)


def test_what_was_logged_before_the_request_does_not_count() -> None:
    line = worker.logged("[model-loader] 🧹 Model unloaded", 0)

    with pytest.raises(AssertionError, match="nobody on workstation logged"):
        shutdown.expect_unloaded(seen(line, *worker.asked(SHUTDOWN, 1)), worker.ID, 1)


def replaced(**entry: object) -> Evidence:
    new = {"id": "worker-def456", "url": worker.STARTED["url"], "device": 1, **entry}
    return seen(*worker.listed(new))


def test_a_successor_in_the_same_place_is_accepted() -> None:
    shutdown.expect_replaced(replaced(), worker.NODE, worker.ID, "worker-def456")


@pytest.mark.parametrize("entry", [{"url": "http://workstation.home.arpa:8002"}, {"device": 0}, {"id": worker.ID}])
def test_a_successor_in_another_place_is_told(entry: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match="the workers that the hive lists"):
        shutdown.expect_replaced(replaced(**entry), worker.NODE, worker.ID, "worker-def456")
