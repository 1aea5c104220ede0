"""Having a hive provide a model: from its catalogue, or by a download that is followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
import pytest

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen import models
from mocks.queen.hives import hive_of
from mocks.queen.task import Task
from tests.mocks.queen.conftest import node
from tests.mocks.queen.fakes import MODEL, Service, stream

DOWNLOAD = "POST /v1/models/download"
PROGRESS = "GET /v1/models/download/progress"
HALF = {"stage": "downloading", "bytes_downloaded": 2621440, "bytes_total": 5242880, "speed_mbps": 45.2}
RETRY = {"stage": "retrying", "error": "Connection reset by peer", "attempt": 2, "attempts": 6, "delay_ms": 100}
COMPLETE = {"stage": "complete", "local_path": "/models/tinyllama-q4.gguf"}


def provide(hive: Service, task: Task) -> str:
    with http.session() as session:
        return models.provide(session, hive_of(node(hive.host)), task)


def downloading(hive: Service, progress: Callable[[], flask.Response]) -> None:
    hive.answers[DOWNLOAD] = {"download_id": "7", "local_path": None}
    hive.answers[PROGRESS] = progress


def told(hive: Service, task: Task) -> list[Any]:
    """The events of a task that does nothing but have its model provided."""

    def flow(task: Task) -> None:
        provide(hive, task)

    return list(task.run(flow))


def test_catalogued_model_is_taken_as_it_is(hive_up: Service, task: Task) -> None:
    hive_up.answers[DOWNLOAD] = {"download_id": "cached", "local_path": "/models/x.gguf"}

    assert provide(hive_up, task) == "/models/x.gguf"
    assert (hive_up.asked, hive_up.body_of(DOWNLOAD)) == ([DOWNLOAD], {"model_ref": MODEL})


def test_download_ends_with_the_path(hive_up: Service, task: Task) -> None:
    downloading(hive_up, lambda: stream(HALF, COMPLETE))

    assert provide(hive_up, task) == "/models/tinyllama-q4.gguf"


def test_progress_and_retries_are_told(hive_up: Service, task: Task) -> None:
    downloading(hive_up, lambda: stream(HALF, RETRY, COMPLETE))

    assert told(hive_up, task) == [{"type": "progress", **HALF}, {"type": "progress", **RETRY}]


def test_failed_download_tells_model_and_attempts(hive_up: Service, task: Task) -> None:
    error = {"stage": "error", "message": "no", "code": "DOWNLOAD_FAILED"}
    downloading(hive_up, lambda: stream(RETRY, error))

    with pytest.raises(RbeeError, match=r"^no$") as raised:
        provide(hive_up, task)

    assert (raised.value.code, raised.value.details) == ("DOWNLOAD_FAILED", {"model": MODEL, "attempts": 6})


def test_error_without_code_is_a_failed_download(hive_up: Service, task: Task) -> None:
    downloading(hive_up, lambda: stream({"stage": "error", "message": "as the real hive says it"}))

    with pytest.raises(RbeeError, match=r"^as the real hive says it$") as raised:
        provide(hive_up, task)

    assert raised.value.code == "DOWNLOAD_FAILED"


@pytest.mark.parametrize(
    ("progress", "message"),
    [
        (lambda: stream(HALF), "The download ended without a result"),
        (lambda: stream(HALF, done=False), "The download was lost sight of"),
    ],
)
def test_download_that_is_not_seen_to_its_end_has_failed(
    hive_up: Service, task: Task, progress: Callable[[], flask.Response], message: str
) -> None:
    downloading(hive_up, progress)

    with pytest.raises(RbeeError, match=message) as raised:
        provide(hive_up, task)

    assert raised.value.code == "DOWNLOAD_FAILED"
