"""A cold start: how the worker was awaited, and when the node's row was updated."""

from __future__ import annotations

import pytest

from harness.checks import cold_start
from tests.harness import told

READY, PROGRESS = "GET /v1/ready", "GET /v1/loading/progress"
LOADING_ANSWER = {
    "ready": False,
    "state": "loading",
    "progress_url": "http://workstation.home.arpa:8001/v1/loading/progress",
}
READY_ANSWER = {"ready": True, "state": "idle", "model_loaded": True}


def test_a_worker_that_loads_and_then_is_ready_was_awaited() -> None:
    loading = told.exchange("worker", READY, LOADING_ANSWER)
    progress = told.exchange("worker", PROGRESS, stream=({"stage": "ready"},))
    ready = told.exchange("worker", READY, READY_ANSWER)

    cold_start.expect_awaited(told.evidence(*told.task(), *loading, *progress, *ready, *told.keeper()), "workstation")


@pytest.mark.parametrize("marked", [True, False])
def test_a_progress_that_the_queen_leaves_is_over_when_it_has_its_end_mark(marked: bool) -> None:
    loading = told.exchange("worker", READY, LOADING_ANSWER)
    progress = told.exchange("worker", PROGRESS, stream=({"stage": "ready"},))
    progress = [event for event in progress if marked or event.get("data") != "[DONE]"]
    ready = told.exchange("worker", READY, READY_ANSWER)
    left = {**progress[-1], "how": "left"}
    seen = told.evidence(*told.task(), *loading, *progress[:-1], left, *ready, *told.keeper())

    if marked:
        cold_start.expect_awaited(seen, "workstation")
    else:
        with pytest.raises(AssertionError, match="its progress has no end mark"):
            cold_start.expect_awaited(seen, "workstation")


def test_a_worker_that_was_ready_at_once_was_not() -> None:
    ready = told.exchange("worker", READY, READY_ANSWER)

    with pytest.raises(AssertionError, match="the queen asked the worker on workstation"):
        cold_start.expect_awaited(told.evidence(*told.task(), *ready, *told.keeper()), "workstation")


def test_progress_elsewhere_than_the_worker_said_is_told() -> None:
    loading = told.exchange("worker", READY, {**LOADING_ANSWER, "progress_url": "http://elsewhere/"})
    progress, ready = told.exchange("worker", PROGRESS), told.exchange("worker", READY, READY_ANSWER)

    with pytest.raises(AssertionError, match="the worker's first answer"):
        cold_start.expect_awaited(
            told.evidence(*told.task(), *loading, *progress, *ready, *told.keeper()), "workstation"
        )
