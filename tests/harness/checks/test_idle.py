"""A worker that nobody uses: when what happens to it, and what the next inference finds."""

from __future__ import annotations

from typing import Any

import pytest
from behave.model import Table

from harness.checks import idle
from harness.evidence import Evidence, made_up
from tests.harness import told

SHUTDOWN = "workstation → worker: POST /v1/admin/shutdown"
IDLE_US = 7_000_000  # when the worker became idle for the last time


def state(state_: str, at_us: int, worker_id: str = "worker-abc123") -> list[told.Event]:
    sent = {"worker_id": worker_id, "state": state_}
    return told.later(at_us, told.exchange("hive", "POST /v1/workers/state", asker="workstation", sent=sent))


def ended(shutdown_us: int) -> Evidence:
    """A worker that was told to shut down so long after it had become idle for the last time."""
    events = [*told.keeper(), *state("idle", 0), *state("busy", IDLE_US - 1), *state("idle", IDLE_US)]
    shutdown = told.exchange("worker", "POST /v1/admin/shutdown", asker="workstation")
    return told.evidence(*events, *told.later(IDLE_US + shutdown_us, shutdown))


def expect_shutdown(evidence: Evidence, what: str = SHUTDOWN, worker_id: str = "worker-abc123") -> None:
    idle.expect_times(evidence, "workstation", worker_id, Table(["after", "what"], rows=[["5:00", what]]))


def test_time_counts_from_the_last_change_to_idle() -> None:
    expect_shutdown(ended(300_000_000))


@pytest.mark.parametrize("shutdown_us", [299_999_999, 300_000_001])
def test_time_is_exact(shutdown_us: int) -> None:
    with pytest.raises(AssertionError, match=r"/v1/admin/shutdown: wanted 300 s"):
        expect_shutdown(ended(shutdown_us))


def test_what_did_not_happen_is_missed() -> None:
    with pytest.raises(AssertionError, match="'rbee-hive: a line' was not seen"):
        expect_shutdown(ended(300_000_000), "rbee-hive: a line")


def test_worker_that_was_never_idle_is_told() -> None:
    with pytest.raises(AssertionError, match="worker-2 never told the hive of workstation that it is idle"):
        expect_shutdown(ended(300_000_000), worker_id="worker-2")


def spawn(worker_id: str, asker: str) -> list[told.Event]:
    return told.exchange("hive", "POST /v1/workers/spawn", {"worker_id": worker_id}, asker=asker)


def cold_start(*listed: dict[str, Any], workers: tuple[str, ...] = ("worker-2",), spawns: int = 1) -> Evidence:
    """A second task: what the queen was told of workers, how many she had started, which live."""
    events = [*spawn("worker-abc123", "operator"), *told.task()]
    events += told.exchange("hive", "GET /v1/workers/list", {"workers": [*listed]})
    events += [event for _ in range(spawns) for event in spawn("worker-2", "blep")]
    living = tuple(("llm-worker-rbee", "workstation", ("llm-worker-rbee", "--worker-id", one)) for one in workers)
    return told.evidence(*events, *told.keeper(), nodes=("workstation",)).at_once(made_up.MadeUp(processes=living))


def test_new_worker_for_an_empty_list_is_a_cold_start() -> None:
    idle.expect_cold_start(cold_start(), "workstation", "worker-abc123")


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (cold_start({"id": "worker-abc123"}), "the list of workers that the queen got"),
        (cold_start(spawns=0), "how many workers the queen asked for"),
        (cold_start(spawns=2), "how many workers the queen asked for"),
        (cold_start(workers=("worker-abc123", "worker-2")), "the workers that were started"),
        (cold_start(workers=()), "the workers that were started"),
    ],
)
def test_what_is_no_cold_start_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        idle.expect_cold_start(evidence, "workstation", "worker-abc123")
