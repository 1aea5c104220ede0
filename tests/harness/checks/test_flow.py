"""The user's task, and what the queen asked for it."""

from __future__ import annotations

import pytest

from harness.checks import flow
from tests.harness import told


def test_users_task_is_told_from_that_of_another_user() -> None:
    users, others = told.task(), told.task(prompt="tell me a long story")

    task = flow.task(told.evidence(*users, *others, *told.keeper()))

    assert task.number == 1


def test_a_task_that_nobody_gave_is_missed() -> None:
    with pytest.raises(AssertionError, match="the user gave the queen no task"):
        flow.task(told.evidence(*told.keeper()))


def test_queen_asked_what_left_her_node_after_the_task() -> None:
    before, task = told.exchange("hive", "GET /v1/health"), told.task()
    after = told.exchange("hive", "GET /v1/workers/list")
    report = told.exchange("hive", "POST /v1/workers/ready", asker="workstation")

    asked = flow.asked_by_queen(told.evidence(*before, *task, *after, *report, *told.keeper()))

    assert [one.path for one in asked] == ["/v1/workers/list"]
