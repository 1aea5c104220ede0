"""Processes that live on, and whose children they are."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks import lives
from harness.evidence import Evidence
from harness.evidence.made_up import PID, MadeUp
from tests.harness import one_worker_told as worker
from tests.harness import told

WORKER = ("llm-worker-rbee", "workstation", ("llm-worker-rbee", "--worker-id", worker.ID, "--api-key", "key-1"))
HIVE = ("rbee-hive", "workstation", ("rbee-hive", "daemon"))


def living(*processes: tuple[str, str, tuple[str, ...]], events: list[told.Event] | None = None) -> Evidence:
    """Processes that live; their ids and those of their parents are the same."""
    return told.evidence(*(events or []), nodes=["workstation", "blep"]).at_once(MadeUp(processes=processes))


def hive(pid: int = PID, node: str = "workstation") -> list[told.Event]:
    return [{"event": "started", "program": "rbee-hive", "node": node, "pid": pid, "at_us": 0, "argv": ["rbee-hive"]}]


def test_the_hive_that_was_started_is_known_by_its_process() -> None:
    lives.expect_hive(living(HIVE, events=hive()), "workstation")


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (living(events=hive()), "the hives that live"),
        (living(HIVE, events=hive(pid=5)), "the hives that live"),
        (living(HIVE, ("rbee-hive", "blep", ("rbee-hive",)), events=hive()), "the hives that live"),
        (living(HIVE, events=hive(node="blep")), "where the operator started a hive"),
    ],
)
def test_another_hive_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        lives.expect_hive(evidence, "workstation")


def started(*, key: str = "key-1", state: str = "idle") -> list[told.Event]:
    entry: dict[str, Any] = {"id": worker.ID, "state": state}
    return [*worker.start(api_key=key), *worker.listed(entry)]


def test_the_worker_that_was_started_is_known_by_its_key() -> None:
    lives.expect_worker(living(HIVE, WORKER, events=started()), "workstation", worker.ID, "idle")


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (living(HIVE, events=started()), "the workers that live on workstation"),
        (living(HIVE, WORKER, WORKER, events=started()), "the workers that live on workstation"),
        (living(HIVE, WORKER, events=started(key="key-2")), "has the key of its start"),
        (living(HIVE, WORKER, events=started(state="busy")), "the state of worker-abc123"),
        (living(WORKER, events=started()), "a process rbee-hive on workstation"),
    ],
)
def test_another_worker_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        lives.expect_worker(evidence, "workstation", worker.ID, "idle")


def test_children_of_the_one_parent_are_accepted() -> None:
    lives.expect_children(living(HIVE, WORKER), "rbee-hive", "llm-worker-rbee")


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (living(HIVE), "how many processes of llm-worker-rbee live"),
        (living(WORKER), "how many processes of rbee-hive live"),
        (living(HIVE, WORKER, WORKER), "how many processes of llm-worker-rbee live"),
    ],
)
def test_missing_and_further_children_are_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        lives.expect_children(evidence, "rbee-hive", "llm-worker-rbee")


def callback(status: int) -> list[told.Event]:
    sent = {"worker_id": worker.ID}
    path = "POST /v1/workers/ready"
    return told.exchange("hive", path, {}, asker="workstation", sent=sent, status=status)


def test_one_callback_that_was_answered_is_accepted() -> None:
    lives.expect_called_back(living(events=[*worker.start(), *callback(200)]), [worker.ID], 200)


@pytest.mark.parametrize("callbacks", [[], callback(422), [*callback(200), *callback(200)]])
def test_other_callbacks_are_told(callbacks: list[told.Event]) -> None:
    with pytest.raises(AssertionError, match="answered the callbacks of worker-abc123"):
        lives.expect_called_back(living(events=[*worker.start(), *callbacks]), [worker.ID], 200)


def test_a_daemon_that_is_left_is_told() -> None:
    with pytest.raises(AssertionError, match="there should be no queen, hive or worker"):
        lives.expect_nobody_left(living(HIVE, events=told.keeper()))
