"""A worker's start, as its process, its log and the network show it."""

from __future__ import annotations

from typing import Any

import pytest
from behave.model import Table

from harness.checks import worker as worker_seen
from harness.evidence import Evidence, made_up
from tests.harness import told

LOG = "[llm-worker-rbee] 🌅 Worker starting on port 8001\n"
SENT = {"worker_id": "worker-1", "device": 1}
CALLBACK = Table(["worker_id", "device"], rows=[["worker-1", "1"]])


def output(*pieces: str) -> list[told.Event]:
    """What the hive and its workers printed."""
    who = {"program": "rbee-hive", "node": "workstation", "pid": 3, "stream": "stdout"}
    return [{"event": "output", "at_us": 0, **who, "text": piece} for piece in pieces]


def with_header(events: list[told.Event], key: str) -> list[told.Event]:
    """These events, with this API key in the heads of requests."""
    headers = {"authorization": f"Bearer {key}"}
    return [{**event, "headers": headers} if event["event"] == "asked" else event for event in events]


def worker(*events: told.Event) -> Evidence:
    """A living worker with the key `key-1`, and these events."""
    command_line = ("--api-key", "key-1", "--device", "1")
    living = made_up.process("llm-worker-rbee", "workstation", *command_line)
    return told.evidence(*events, nodes=("workstation",)).at_once(living)


def ready(key: str = "key-1") -> list[told.Event]:
    return with_header(told.exchange("worker", "GET /v1/ready"), key)


def called_back(*more: told.Event, sent: Any = None, key: str = "key-1", times: int = 1) -> Evidence:
    """A hive that started a worker, which then called it back."""
    spawn = told.exchange("hive", "POST /v1/workers/spawn", {"worker_id": "worker-1", "api_key": "key-1"})
    callbacks = [
        told.exchange("hive", "POST /v1/workers/ready", asker="workstation", sent=sent or SENT) for _ in range(times)
    ]
    return told.evidence(*spawn, *(event for one in callbacks for event in with_header(one, key)), *more)


def test_options_of_the_command_line_are_read() -> None:
    table = Table(["--device"], rows=[["1"]])

    worker_seen.expect_command_line(worker(), "workstation", table)


def test_option_that_is_not_there_is_told() -> None:
    table = Table(["--device", "--port"], rows=[["1", "8001"]])

    with pytest.raises(AssertionError, match="the options on the worker's command line"):
        worker_seen.expect_command_line(worker(), "workstation", table)


def test_key_that_callers_show_and_nobody_prints_is_accepted() -> None:
    worker_seen.expect_key(worker(*ready(), *output(LOG)), "workstation")


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([*ready("key-2"), *output(LOG)], "the keys that were shown"),
        ([*output(LOG)], "the keys that were shown"),
        ([*ready()], "has logged nothing"),
        ([*ready(), *output(LOG, "its key is ke", "y-1\n")], "no line with the worker's API key"),
    ],
)
def test_key_that_is_not_kept_is_told(events: list[told.Event], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        worker_seen.expect_key(worker(*events), "workstation")


def test_callback_with_key_and_id_is_accepted() -> None:
    worker_seen.expect_callback(called_back(), "workstation", "POST /v1/workers/ready", CALLBACK)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (called_back(times=2), "how often it was made"),
        (called_back(key="key-2"), "its Authorization"),
        (called_back(sent={**SENT, "worker_id": "worker-2"}), "the id that it names"),
        (called_back(sent={**SENT, "device": 0}), "its body"),
        (called_back(sent={**SENT, "url": "http://workstation.home.arpa:8001"}), "its body"),
    ],
)
def test_callback_that_is_not_as_wanted_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        worker_seen.expect_callback(evidence, "workstation", "POST /v1/workers/ready", CALLBACK)


PROGRESS = told.exchange("worker", "GET /v1/loading/progress", stream=({"layers_loaded": 4},))
LOADING = output("[model-loader] 📦 Loading model from /models/model.gguf\n")


def test_loading_after_the_callback_is_accepted() -> None:
    worker_seen.expect_loading_after_callback(called_back(*LOADING, *PROGRESS), "workstation")


def test_loading_before_the_callback_is_told() -> None:
    early = told.evidence(*LOADING, *called_back(*PROGRESS).events)

    with pytest.raises(AssertionError, match="it came after"):
        worker_seen.expect_loading_after_callback(early, "workstation")


def test_answer_before_any_layer_is_at_once() -> None:
    worker_seen.expect_spawned(called_back(*PROGRESS), "workstation", Table(["worker_id"], rows=[["worker-1"]]))


def test_answer_after_the_first_layer_is_told() -> None:
    late = told.evidence(*PROGRESS, *called_back().events)

    with pytest.raises(AssertionError, match="it came after"):
        worker_seen.expect_spawned(late, "workstation", Table(["worker_id"], rows=[["worker-1"]]))
