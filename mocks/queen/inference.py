"""Running a task's inference on a worker, and relaying what comes (docs/contract.md, sections 2.3 and 9, row 1)."""

from __future__ import annotations

import contextlib
from functools import partial

import requests

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen import asking
from mocks.queen.task import Task
from mocks.queen.worker import Worker

BUSY_DELAYS_S = (1, 2, 4)
SILENCE_LIMIT_S = 300
CANCEL_LIMIT_S = 5
_RELAYED = ("narration", "token", "end")


def infer(task: Task, worker: Worker) -> None:
    """Relay the inference of `task` on `worker`, event by event, until its end. The task's id is the job's.

    Raises RbeeError: ALL_SLOTS_BUSY when the worker is still busy after three retries, WORKER_CRASHED when its stream
    breaks, and the worker's own."""
    with (
        http.session(api_key=worker.api_key) as session,
        _begin(session, task, worker) as response,
        task.stopped_by(partial(_cancel, worker, task.id)),
    ):
        _relay(response, task, worker)


def _begin(session: requests.Session, task: Task, worker: Worker) -> requests.Response:
    """The worker's stream. A busy worker is asked again after 1, 2 and 4 s."""
    for delay_s in BUSY_DELAYS_S:
        try:
            return _post(session, task, worker)
        except RbeeError as error:
            if error.code != "ALL_SLOTS_BUSY":
                raise
        task.narrate(f"Worker is busy, retrying in {delay_s} second{'s' if delay_s > 1 else ''}...")
        task.pause(delay_s)
    try:
        return _post(session, task, worker)
    except RbeeError as error:
        if error.code == "ALL_SLOTS_BUSY":
            error.details.update(node=task.order.node, worker_id=worker.id, retries=len(BUSY_DELAYS_S))
        raise


def _post(session: requests.Session, task: Task, worker: Worker) -> requests.Response:
    order = task.order
    body = {"job_id": task.id, "prompt": order.prompt, "max_tokens": order.max_tokens}
    try:
        response = session.post(
            f"{worker.url}/v1/inference",
            json={**body, "temperature": order.temperature, "stream": True},
            stream=True,
            timeout=SILENCE_LIMIT_S,
        )
    except requests.RequestException as error:
        raise _crash(task, worker, 0) from error
    if not response.ok:
        raise asking.failure(response, purpose="Inference")
    return response


def _relay(response: requests.Response, task: Task, worker: Worker) -> None:
    """Pass the worker's events on up to the end of its stream; then fail if it told of an error."""
    tokens = 0
    failure: RbeeError | None = None
    try:
        for event in asking.read(response):
            kind = event.get("type")
            tokens += kind == "token"
            if kind == "error":
                failure = RbeeError.from_event(event)
            if kind in _RELAYED:
                task.tell(event)
    except asking.StreamError as error:
        raise _crash(task, worker, tokens) from error
    if failure:
        raise failure


def _crash(task: Task, worker: Worker, tokens: int) -> RbeeError:
    return RbeeError(
        "WORKER_CRASHED",
        "SSE stream closed unexpectedly",
        node=task.order.node,
        worker_id=worker.id,
        tokens=tokens,
        max_tokens=task.order.max_tokens,
    )


def _cancel(worker: Worker, job_id: str) -> None:
    """Ask the worker to give up a job. A worker that cannot be asked any more has given it up."""
    with http.session(api_key=worker.api_key) as session, contextlib.suppress(requests.RequestException):
        session.delete(f"{worker.url}/v1/inference/{job_id}", timeout=CANCEL_LIMIT_S)
