"""What the hive answered the queen, and what she did not ask of it."""

from __future__ import annotations

import pytest

from harness.checks import pool
from tests.harness import told

MISMATCH = {"type": "error", "code": "VERSION_MISMATCH"}
HEALTH = {"status": "alive", "version": "0.2.0"}


def test_an_answer_is_compared_as_json() -> None:
    health = told.exchange("hive", "GET /v1/health", HEALTH)
    evidence = told.evidence(*told.task(), *health, *told.keeper())

    pool.expect_answer(evidence, "workstation", "GET /v1/health", 200, '{"version":"0.2.0","status":"alive"}')


@pytest.mark.parametrize(("status", "body"), [(404, HEALTH), (200, {**HEALTH, "more": 1}), (200, None)])
def test_another_answer_is_told(status: int, body: object) -> None:
    health = told.exchange("hive", "GET /v1/health", body, status=status)
    evidence = told.evidence(*told.task(), *health, *told.keeper())

    with pytest.raises(AssertionError, match="GET /v1/health"):
        pool.expect_answer(evidence, "workstation", "GET /v1/health", 200, '{"status":"alive","version":"0.2.0"}')


def test_a_task_that_ended_at_the_health_check_provisioned_nothing() -> None:
    health = told.exchange("hive", "GET /v1/health", HEALTH)
    evidence = told.evidence(*told.task(MISMATCH), *health, *told.keeper())

    pool.expect_nothing_provisioned(evidence, "workstation", "VERSION_MISMATCH")


def test_a_download_is_provisioning() -> None:
    download = told.exchange("hive", "POST /v1/models/download")
    evidence = told.evidence(*told.task(MISMATCH), *download, *told.keeper())

    with pytest.raises(AssertionError, match="there should be no order to the hive of workstation"):
        pool.expect_nothing_provisioned(evidence, "workstation", "VERSION_MISMATCH")


def test_a_task_that_did_not_fail_so_is_told() -> None:
    evidence = told.evidence(*told.task(), *told.exchange("hive", "GET /v1/health"), *told.keeper())

    with pytest.raises(AssertionError, match=r"the errors of the task: wanted \['VERSION_MISMATCH'\], seen \[\]"):
        pool.expect_nothing_provisioned(evidence, "workstation", "VERSION_MISMATCH")


@pytest.mark.parametrize("took_us", [30_599_999, 30_600_001])
def test_time_of_a_task_is_exact(took_us: int) -> None:
    evidence = told.evidence(*told.task(took_us=took_us), *told.keeper())

    with pytest.raises(AssertionError, match=r"the task took: wanted 30\.6 s"):
        pool.expect_task_took(evidence, 30.6)
