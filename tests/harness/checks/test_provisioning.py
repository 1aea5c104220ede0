"""The way of a model to a node, as the network and the node's catalogue show it."""

from __future__ import annotations

from typing import Any

import pytest
from behave.model import Table

from harness.checks import provisioning
from harness.evidence import Evidence
from tests.harness import told

MODEL = "/models/tiny.gguf"
HALF, WHOLE = 50, 100
PROGRESS = Table(["bytes_downloaded", "bytes_total"], rows=[["50", "100"], ["100", "100"]])


def attempts(*made: tuple[int, int, int], how: str = "cut") -> Evidence:
    """Requests to the hub: so many microseconds after the one before had ended, from this byte on, so many arrived."""
    events, at_us = told.keeper(), 0
    for wait_us, start, size in made:
        asked, answered, ended = told.later(at_us + wait_us, told.exchange("hub", "GET /f", node="hub", took_us=5))
        headers = {"range": f"bytes={start}-"} if start else {}
        events += [{**asked, "headers": headers}, answered, {**ended, "how": how, "size": size}]
        at_us = ended["at_us"]
    return told.evidence(*events)


def downloading(done: int, speed_mbps: float = 45.2) -> dict[str, Any]:
    return {"stage": "downloading", "bytes_downloaded": done, "bytes_total": WHOLE, "speed_mbps": speed_mbps}


def followed(*stream: Any, end_mark: bool = True) -> Evidence:
    """A download whose progress stream had these events."""
    asked = told.exchange("hive", "POST /v1/models/download", {"download_id": "1", "local_path": None})
    progress = told.exchange("hive", "GET /v1/models/download/progress?id=1", stream=stream)
    mark = [event for event in progress if event.get("data") == "[DONE]"]
    return told.evidence(*asked, *(event for event in progress if end_mark or event not in mark))


def looked_up(*answers: dict[str, Any], hub: int = 0) -> Evidence:
    """Lookups of the model with these answers, and so many requests to the hub."""
    lookups = [told.exchange("hive", "POST /v1/models/download", answer) for answer in answers]
    asked = [told.exchange("hub", "GET /f", node="hub") for _ in range(hub)]
    return told.evidence(*told.keeper(), *(event for one in [*lookups, *asked] for event in one))


def downloaded(monkeypatch: pytest.MonkeyPatch, *downloaded_at: int) -> Evidence:
    """A download that the hub ended at 3 s and of which the hive told by 4 s; rows that tell these times."""
    rows = [{"downloaded_at": at_s} for at_s in downloaded_at]
    monkeypatch.setattr(Evidence, "catalogue_rows", lambda *_: rows)
    given = told.exchange("hub", "GET /f", asker="workstation", node="hub", took_us=3_000_000)
    asked = told.exchange("hive", "POST /v1/models/download")
    progress = told.exchange("hive", "GET /v1/models/download/progress?id=1", stream=({},), took_us=4_000_000)
    return told.evidence(*given, *asked, *progress)


def test_attempts_for_what_is_missing_with_wanted_delays_are_accepted() -> None:
    evidence = attempts((0, 0, 50), (100_000, 50, 10), (200_000, 60, 0))

    provisioning.expect_attempts(evidence, [0, 50, 60], [100, 200])


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (attempts((0, 0, 50), (100_000, 50, 10)), "the ranges"),
        (attempts((0, 0, 50), (100_000, 50, 10), (200_000, 60, 0), (400_000, 60, 0)), "the ranges"),
        (attempts((0, 0, 50), (100_000, 0, 60), (200_000, 60, 0)), "the ranges"),
        (attempts((0, 0, 40), (100_000, 50, 10), (200_000, 60, 0)), "the bytes that had arrived"),
        (attempts((0, 0, 50), (100_000, 50, 10), (200_001, 60, 0)), "the wait before"),
        (attempts((0, 0, 50), (100_000, 50, 10), (200_000, 60, 0), how="broken"), "how the answers ended"),
    ],
)
def test_other_attempts_are_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        provisioning.expect_attempts(evidence, [0, 50, 60], [100, 200])


def test_progress_with_others_between_is_accepted() -> None:
    evidence = followed(downloading(25), downloading(HALF), downloading(75), downloading(WHOLE))

    provisioning.expect_progress(evidence, "workstation", PROGRESS)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (followed(downloading(HALF)), "wanted '100 of 100' next"),
        (followed(downloading(WHOLE), downloading(HALF)), "wanted '100 of 100' next"),
        (followed(downloading(HALF), downloading(25), downloading(WHOLE)), "comes after"),
        (followed(downloading(HALF, 0), downloading(WHOLE)), "no speed"),
        (looked_up({"download_id": "1", "local_path": None}), "nobody followed a download"),
    ],
)
def test_other_progress_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        provisioning.expect_progress(evidence, "workstation", PROGRESS)


def test_stream_that_ends_with_the_path_and_the_end_mark_is_accepted() -> None:
    evidence = followed(downloading(WHOLE), {"stage": "complete", "local_path": MODEL})

    provisioning.expect_complete(evidence, "workstation", MODEL)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (followed(downloading(WHOLE)), "the last event"),
        (followed({"stage": "complete", "local_path": "/else"}), "the last event"),
        (followed({"stage": "complete", "local_path": MODEL}, end_mark=False), "has no end mark"),
    ],
)
def test_stream_that_ends_otherwise_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        provisioning.expect_complete(evidence, "workstation", MODEL)


def test_the_last_lookup_counts() -> None:
    evidence = looked_up({"download_id": "1"}, {"download_id": "cached", "local_path": MODEL}, hub=1)

    provisioning.expect_catalogued(evidence, "workstation", MODEL, 1)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (looked_up({"download_id": "1", "local_path": None}), "download_id"),
        (looked_up({"download_id": "cached", "local_path": "/else"}), "local_path"),
        (looked_up({"download_id": "cached", "local_path": MODEL}, hub=1), "no request to the hub"),
    ],
)
def test_model_that_was_not_there_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        provisioning.expect_catalogued(evidence, "workstation", MODEL, 0)


@pytest.mark.parametrize("at_s", [3, 4])
def test_time_between_the_hubs_last_byte_and_the_hives_word_is_accepted(
    monkeypatch: pytest.MonkeyPatch, at_s: int
) -> None:
    provisioning.expect_time(downloaded(monkeypatch, at_s), "workstation")


@pytest.mark.parametrize(("rows", "fault"), [([2], "it was between"), ([5], "it was between"), ([3, 3], "how many")])
def test_other_times_are_told(monkeypatch: pytest.MonkeyPatch, rows: list[int], fault: str) -> None:
    evidence = downloaded(monkeypatch, *rows)

    with pytest.raises(AssertionError, match=fault):
        provisioning.expect_time(evidence, "workstation")


FAILED = {"type": "error", "code": "DOWNLOAD_FAILED", "message": "no", "details": {"attempts": 6}}


def test_task_that_ends_with_the_error_is_accepted() -> None:
    evidence = told.evidence(*told.task(FAILED), *told.keeper())

    provisioning.expect_task_failed(evidence, "DOWNLOAD_FAILED", 6)


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        ({"type": "end"}, "the type of the last event"),
        ({**FAILED, "code": "INTERNAL_ERROR"}, "the error's code"),
        ({**FAILED, "details": {"attempts": 5}}, "the attempts that it tells"),
        ({"type": "error", "code": "DOWNLOAD_FAILED"}, "the attempts that it tells"),
    ],
)
def test_task_that_ends_otherwise_is_told(last: dict[str, Any], fault: str) -> None:
    evidence = told.evidence(*told.task(last), *told.keeper())

    with pytest.raises(AssertionError, match=fault):
        provisioning.expect_task_failed(evidence, "DOWNLOAD_FAILED", 6)
