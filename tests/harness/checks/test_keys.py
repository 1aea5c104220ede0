"""API keys, as the network saw them shown, and doors that stayed shut."""

from __future__ import annotations

import pytest
from behave.model import Table

from harness.checks import keys
from harness.evidence import Evidence
from tests.harness import told

WANTED = Table(["status", "code"], rows=[["401", "INVALID_API_KEY"]])
REFUSAL = {"error": {"code": "INVALID_API_KEY", "message": "Invalid or missing API key"}}


def seen(
    *more: told.Event, task_key: str = "Bearer wrong_key", hive_key: str = "Bearer wrong_key", status: int = 401
) -> Evidence:
    """A task, which the hive refused; whatever more was asked came later."""
    earlier = told.exchange("hive", "GET /v1/health", {"status": "alive"}, asker="operator")
    task, health = told.task(), told.exchange("hive", "GET /v1/health", REFUSAL, status=status)
    task[0]["headers"], health[0]["headers"] = {"authorization": task_key}, {"authorization": hive_key}
    return told.evidence(*earlier, *task, *health, *more, *told.keeper(), nodes=("workstation",))


def test_key_that_is_passed_on_is_accepted() -> None:
    keys.expect_shown(seen(), "workstation", "Bearer wrong_key")


@pytest.mark.parametrize("evidence", [seen(task_key="Bearer right_key"), seen(hive_key="Bearer right_key")])
def test_another_key_is_told(evidence: Evidence) -> None:
    with pytest.raises(AssertionError, match="the Authorization of"):
        keys.expect_shown(evidence, "workstation", "Bearer wrong_key")


def test_refusal_with_its_status_and_code_is_accepted() -> None:
    keys.expect_refused(seen(), "workstation", WANTED)


def test_status_of_the_refusal_counts() -> None:
    with pytest.raises(AssertionError, match="status: wanted '401', seen '403'"):
        keys.expect_refused(seen(status=403), "workstation", WANTED)


def test_hive_that_was_not_asked_refused_nobody() -> None:
    evidence = told.evidence(*told.task(), *told.keeper())

    with pytest.raises(AssertionError, match="nobody asked the hive of workstation"):
        keys.expect_nothing_more(evidence, "workstation")


def test_door_that_stayed_shut_is_accepted() -> None:
    keys.expect_nothing_more(seen(), "workstation")


def test_further_request_to_the_node_is_told() -> None:
    evidence = seen(*told.exchange("hive", "GET /v1/workers/list"))

    with pytest.raises(AssertionError, match="there should be no request to workstation"):
        keys.expect_nothing_more(evidence, "workstation")
