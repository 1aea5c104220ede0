"""Inference on a worker: what is relayed, how a busy worker is met, and how a job is given up."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from mocks.common.errors import RbeeError
from mocks.queen.inference import infer
from mocks.queen.task import Task
from mocks.queen.worker import Worker
from tests.mocks.queen.conftest import Hands
from tests.mocks.queen.fakes import Service, fresh_host, stream

LIMIT_S = 30
INFERENCE = "POST /v1/inference"
STARTED = {"type": "started", "job_id": "j", "model": "m", "started_at": "0"}
NARRATION = {"type": "narration", "actor": "candle-backend", "human": "🚀 Starting inference"}
TOKENS = [{"type": "token", "t": "Once", "i": 0}, {"type": "token", "t": " upon", "i": 1}]
END = {"type": "end", "tokens_out": 2, "decode_time_ms": 200, "stop_reason": "MAX_TOKENS"}
BUSY = {"error": {"code": "ALL_SLOTS_BUSY", "message": "m", "details": {"slots_total": 1, "slots_busy": 1}}}, 503


def told(task: Task, host: str) -> list[Mapping[str, Any]]:
    worker = Worker("worker-abc123", f"http://{host}:8001", "key-1")
    return list(task.run(lambda task: infer(task, worker)))


def test_worker_is_asked_for_what_was_ordered(worker_up: Service, task: Task) -> None:
    worker_up.answers[INFERENCE] = lambda: stream(END)

    told(task, worker_up.host)

    assert worker_up.keys == ["Bearer key-1"]
    assert worker_up.body_of(INFERENCE) == {
        "job_id": task.id,
        "prompt": "write a short story",
        "max_tokens": 20,
        "temperature": 0.7,
        "stream": True,
    }


def test_tokens_narration_and_end_are_relayed(worker_up: Service, task: Task) -> None:
    worker_up.answers[INFERENCE] = lambda: stream(STARTED, NARRATION, *TOKENS, END)

    assert told(task, worker_up.host) == [NARRATION, *TOKENS, END]


def test_token_is_relayed_before_the_next_is_made(worker_up: Service, task: Task) -> None:
    seen = threading.Event()
    worker_up.answers[INFERENCE] = lambda: stream(TOKENS[0], lambda: seen.wait(LIMIT_S), TOKENS[1], END)
    worker = Worker("worker-abc123", f"http://{worker_up.host}:8001", None)
    events = task.run(lambda task: infer(task, worker))

    first = next(events)
    assert not seen.is_set()
    seen.set()

    assert [first, *events] == [*TOKENS, END]


def test_busy_worker_is_asked_again_after_one_two_and_four_seconds(
    worker_up: Service, task: Task, hands: Hands
) -> None:
    worker_up.answers[INFERENCE] = BUSY

    *waits, error = told(task, worker_up.host)

    assert [event["human"] for event in waits] == [
        "Worker is busy, retrying in 1 second...",
        "Worker is busy, retrying in 2 seconds...",
        "Worker is busy, retrying in 4 seconds...",
    ]
    assert hands.pauses_s == [1, 2, 4]
    assert error["code"] == "ALL_SLOTS_BUSY"
    assert error["details"] == {
        "node": "workstation",
        "worker_id": "worker-abc123",
        "retries": 3,
        "slots_total": 1,
        "slots_busy": 1,
    }


def test_worker_that_gets_free_does_the_work(worker_up: Service, task: Task, hands: Hands) -> None:
    answers = [BUSY, stream(*TOKENS, END)]
    worker_up.answers[INFERENCE] = lambda: answers.pop(0)

    assert told(task, worker_up.host)[1:] == [*TOKENS, END]
    assert hands.pauses_s == [1]


def test_worker_that_is_not_busy_but_unable_is_not_asked_again(worker_up: Service, task: Task, hands: Hands) -> None:
    worker_up.answers[INFERENCE] = {"error": {"code": "WORKER_NOT_READY", "message": "m"}}, 503

    (error,) = told(task, worker_up.host)

    assert (error["code"], hands.pauses_s) == ("WORKER_NOT_READY", [])


def test_broken_stream_is_a_crash_after_so_many_tokens(worker_up: Service, task: Task) -> None:
    worker_up.answers[INFERENCE] = lambda: stream(*TOKENS, done=False)

    *tokens, error = told(task, worker_up.host)

    assert tokens == TOKENS
    assert (error["code"], error["message"]) == ("WORKER_CRASHED", "SSE stream closed unexpectedly")
    assert error["details"] == {"node": "workstation", "worker_id": "worker-abc123", "tokens": 2, "max_tokens": 20}


def test_worker_that_is_gone_has_crashed(task: Task) -> None:
    (error,) = told(task, fresh_host())

    assert (error["code"], error["details"]["tokens"]) == ("WORKER_CRASHED", 0)


def test_error_of_the_worker_is_passed_on(worker_up: Service, task: Task) -> None:
    failed = {"type": "error", "code": "INFERENCE_FAILED", "message": "Forward pass failed", "details": {}}
    worker_up.answers[INFERENCE] = lambda: stream(failed)

    assert told(task, worker_up.host) == [failed]


def test_canceled_job_is_given_up_and_its_end_told(worker_up: Service, task: Task) -> None:
    canceled = threading.Event()
    end = {**END, "stop_reason": "CANCELLED"}
    worker_up.answers[INFERENCE] = lambda: stream(TOKENS[0], lambda: canceled.wait(LIMIT_S), end)
    delete = f"DELETE /v1/inference/{task.id}"
    worker_up.answers[delete] = lambda: (canceled.set(), ("", 204))[1]  # type: ignore[func-returns-value]
    worker = Worker("worker-abc123", f"http://{worker_up.host}:8001", "key-1")
    events = task.run(lambda task: infer(task, worker))
    next(events)

    task.cancel()

    assert worker_up.asked == [INFERENCE, delete]
    assert worker_up.keys == ["Bearer key-1", "Bearer key-1"]
    assert list(events) == [end]


def test_worker_that_cannot_be_told_is_no_obstacle(worker_up: Service, task: Task) -> None:
    def hang_up() -> NoReturn:
        raise ConnectionAbortedError("as the test wants it")

    worker_up.answers[f"DELETE /v1/inference/{task.id}"] = hang_up
    worker_up.answers[INFERENCE] = lambda: stream(TOKENS[0], task.cancel, done=False)

    *_, error = told(task, worker_up.host)

    assert error["code"] == "WORKER_CRASHED"


@pytest.mark.parametrize("text", ["no envelope", {"errors": [{"field": "prompt"}]}])
def test_refused_inference_is_told_with_the_workers_words(worker_up: Service, task: Task, text: Any) -> None:
    worker_up.answers[INFERENCE] = text, 400
    worker = Worker("worker-abc123", f"http://{worker_up.host}:8001", None)

    with pytest.raises(RbeeError, match=r"^Inference failed: HTTP 400 Bad Request: "):
        infer(task, worker)
