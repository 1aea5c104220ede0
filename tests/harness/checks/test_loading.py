"""A model's way into a worker's memory, as the network shows it."""

from __future__ import annotations

from typing import Any

import pytest
from behave.model import Table

from harness.checks import loading as loading_seen
from harness.evidence import Evidence
from tests.harness import told

LAYERS = [
    {"stage": "loading_to_vram", "layers_loaded": loaded, "layers_total": 8, "vram_mb": loaded * 2} for loaded in (4, 8)
]
READY = {"stage": "ready"}
ADDRESS = "http://workstation.home.arpa:8001/v1/loading/progress"
FIRST = Table(["layers_loaded", "layers_total"], rows=[["4", "8"]])


def loading(*stream: Any, ended: bool = True, address: str = ADDRESS) -> Evidence:
    """A worker that was asked whether it is ready, and then for its progress: these events."""
    ready = told.exchange("worker", "GET /v1/ready", {"ready": False, "progress_url": address})
    progress = told.exchange("worker", "GET /v1/loading/progress", stream=stream)
    return told.evidence(*ready, *(progress if ended else progress[:-2]))


def test_progress_that_goes_on_is_accepted() -> None:
    loading_seen.expect_progress_so_far(loading(*LAYERS, ended=False), "workstation", FIRST)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (loading(*LAYERS[1:], ended=False), "the first events of the progress"),
        (loading(*LAYERS), "how the stream ended"),
        (loading(*LAYERS, ended=False, address="http://blep.home.arpa:8001/"), "the address that the worker gave"),
    ],
)
def test_progress_that_does_not_go_on_as_wanted_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        loading_seen.expect_progress_so_far(evidence, "workstation", FIRST)


def test_rows_are_members_of_the_events() -> None:
    table = Table(["layers_loaded", "4", "8"], rows=[["vram_mb", "8", "16"]])

    loading_seen.expect_progress(loading(*LAYERS, READY), "workstation", table)


@pytest.mark.parametrize("cells", [["vram_mb", "8", "15"], ["vram_mb", "8"], ["vram_mb", "8", "16", "24"]])
def test_row_with_other_values_is_told(cells: list[str]) -> None:
    table = Table(["layers_loaded", "4", "8"], rows=[cells])

    with pytest.raises(AssertionError, match="vram_mb of the events"):
        loading_seen.expect_progress(loading(*LAYERS, READY), "workstation", table)


def test_end_with_all_layers_ready_and_end_mark_is_accepted() -> None:
    loading_seen.expect_progress_end(loading(*LAYERS, READY), "workstation", 8, 8)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (loading(LAYERS[0], READY), "the last layers"),
        (loading(*LAYERS), "the last layers"),
        (loading(*LAYERS, READY, ended=False), "the stream has no end mark"),
    ],
)
def test_end_that_is_none_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        loading_seen.expect_progress_end(evidence, "workstation", 8, 8)


def test_last_answer_counts() -> None:
    answers = [told.exchange("worker", "GET /v1/ready", {"ready": ready}) for ready in (False, True)]
    evidence = told.evidence(*(event for answer in answers for event in answer))

    loading_seen.expect_ready_answer(evidence, "workstation", Table(["ready"], rows=[["true"]]))


def test_answer_with_one_more_member_is_told() -> None:
    evidence = told.evidence(*told.exchange("worker", "GET /v1/ready", {"ready": True, "model_loaded": True}))

    with pytest.raises(AssertionError, match="the worker's answer"):
        loading_seen.expect_ready_answer(evidence, "workstation", Table(["ready"], rows=[["true"]]))


@pytest.mark.parametrize("late_us", [-1, 1])
def test_giving_up_at_another_time_is_told(late_us: int) -> None:
    spawn = told.exchange("hive", "POST /v1/workers/spawn", took_us=1_000)
    evidence = told.evidence(*spawn, *told.keeper((300_001_000 + late_us, "")))

    with pytest.raises(AssertionError, match="the wait for the worker: wanted 300 s"):
        loading_seen.expect_given_up(evidence, 300)


def test_giving_up_counts_from_the_hives_answer() -> None:
    spawn = told.exchange("hive", "POST /v1/workers/spawn", took_us=1_000)
    evidence = told.evidence(*spawn, *told.keeper((300_001_000, "")))

    loading_seen.expect_given_up(evidence, 300)
