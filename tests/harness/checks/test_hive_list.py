"""The workers that a hive tells the operator of."""

from __future__ import annotations

import pytest
from behave.model import Table

from harness.checks import hive_list
from harness.evidence import Evidence
from tests.harness import told


def listed(*lists: list[str], spawned: tuple[str, ...] = ("worker-1",)) -> Evidence:
    """A hive that started these workers, and then gave the operator these lists of ids."""
    events = [
        told.exchange("hive", "POST /v1/workers/spawn", {"worker_id": worker_id}, asker="operator")
        for worker_id in spawned
    ]
    for ids in lists:
        workers = [{"id": worker_id, "state": "idle"} for worker_id in ids]
        events.append(told.exchange("hive", "GET /v1/workers/list", {"workers": workers}, asker="operator"))
    return told.evidence(*(event for one in events for event in one))


def table(*states: str) -> Table:
    return Table(["state"], rows=[[state] for state in states])


def test_last_list_counts() -> None:
    hive_list.expect_listed(listed([], ["worker-1"]), "workstation", table("idle"))


@pytest.mark.parametrize(
    ("evidence", "wanted", "fault"),
    [
        (listed(["worker-1"]), table("busy"), "a worker in the hive's list, state"),
        (listed(["worker-1"]), table(), "how many workers it lists"),
        (listed(["worker-2"]), table("idle"), "their ids"),
    ],
)
def test_list_that_is_not_as_wanted_is_told(evidence: Evidence, wanted: Table, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        hive_list.expect_listed(evidence, "workstation", wanted)


def test_empty_list_is_no_worker() -> None:
    hive_list.expect_nothing_listed(listed(["worker-1"], []), "workstation")


@pytest.mark.parametrize("evidence", [listed(["worker-1"]), listed()])
def test_no_worker_needs_an_empty_list(evidence: Evidence) -> None:
    with pytest.raises(AssertionError):
        hive_list.expect_nothing_listed(evidence, "workstation")
