"""A worker that is used again: what the queen asked after the hive's list."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks import reuse
from harness.evidence import Evidence, made_up
from tests.harness import told

WORKER = {"id": "worker-abc123", "state": "idle", "url": "http://workstation.home.arpa:8001"}


def seen(*asked: list[dict[str, Any]], workers: tuple[str, ...] = ("worker-abc123",)) -> Evidence:
    """A task for which the queen got a list with that worker and then asked these things."""
    listed = told.exchange("hive", "GET /v1/workers/list", {"workers": [WORKER]})
    events = [event for one in (told.task(), listed, *asked, told.keeper()) for event in one]
    living = tuple(("llm-worker-rbee", "workstation", ("llm-worker-rbee", "--worker-id", one)) for one in workers)
    return told.evidence(*events, nodes=("workstation",)).at_once(made_up.MadeUp(processes=living))


def inference() -> list[dict[str, Any]]:
    """The request for an inference."""
    return told.exchange("worker", "POST /v1/inference")


def test_inference_right_after_the_list_is_straight() -> None:
    reuse.expect_straight_to_inference(seen(inference()), "workstation", "worker-abc123", "idle")


@pytest.mark.parametrize("request_", ["GET /v1/health", "POST /v1/models/download", "POST /v1/workers/spawn"])
def test_anything_else_that_the_hive_was_asked_is_a_detour(request_: str) -> None:
    evidence = seen(told.exchange("hive", request_), inference())

    with pytest.raises(AssertionError, match="what the queen asked after the list"):
        reuse.expect_straight_to_inference(evidence, "workstation", "worker-abc123", "idle")


def test_no_inference_is_not_straight_to_it() -> None:
    with pytest.raises(AssertionError, match="what the queen asked after the list"):
        reuse.expect_straight_to_inference(seen(), "workstation", "worker-abc123", "idle")


def test_a_second_worker_is_one_too_many() -> None:
    evidence = seen(inference(), workers=("worker-abc123", "worker-2"))

    with pytest.raises(AssertionError, match="the workers that live on workstation"):
        reuse.expect_straight_to_inference(evidence, "workstation", "worker-abc123", "idle")


def test_another_state_in_the_list_is_told() -> None:
    with pytest.raises(AssertionError, match="the state of worker-abc123 in the list: wanted 'busy', seen 'idle'"):
        reuse.expect_straight_to_inference(seen(inference()), "workstation", "worker-abc123", "busy")


def test_a_hive_that_was_not_asked_told_of_no_worker() -> None:
    evidence = told.evidence(*told.task(), *told.exchange("hive", "GET /v1/health"), *told.keeper())

    with pytest.raises(AssertionError, match=r"was not asked for its workers; the queen asked\n.*GET .*/v1/health"):
        reuse.expect_straight_to_inference(evidence, "workstation", "worker-abc123", "idle")
