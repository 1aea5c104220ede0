"""The worker's routes (docs/contract.md, section 2.3, and what sections 8 and 9 decide)."""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Iterator
from typing import Any

import flask

from mocks.common import events, peers, serve
from mocks.common.errors import RbeeError
from mocks.worker import inference
from mocks.worker.generation import Generation, Job
from mocks.worker.model import Model
from mocks.worker.worker import Worker

OPEN_TO_ALL = ("/health", "/v1/health")
CORRELATION_ID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


app = serve.application("llm-worker-rbee")


def application(worker: Worker) -> flask.Flask:
    """The application of `worker`.

    There is one, of the worker for which it was asked last. It is built when the module is loaded, since its routes
    take longer to compile than to answer: a program that is forked finds them ready."""
    app.extensions["worker"] = worker
    return app


def _here() -> Worker:
    worker: Worker = app.extensions["worker"]
    return worker


@app.before_request
def correlate() -> None:
    """Know each request by an id: its own, if it brings a good one."""
    given = flask.request.headers.get("X-Correlation-ID", "")
    flask.g.correlation_id = given if CORRELATION_ID.fullmatch(given) else str(uuid.uuid4())


@app.after_request
def mark(response: flask.Response) -> flask.Response:
    """Tell the asker the request's id."""
    response.headers["X-Correlation-ID"] = flask.g.correlation_id
    return response


@app.before_request
def let_in() -> None:
    """A worker with a key of its own answers who shows it; whether it lives, it tells everybody."""
    api_key = _here().settings.api_key
    if api_key is None or flask.request.path in OPEN_TO_ALL:
        return
    scheme, _, given = flask.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        if peers.keys_are_optional():
            _here().info(f"served without a key: {flask.request.path}")
            return
        raise RbeeError("MISSING_API_KEY", "Missing API key", status=401)
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        raise RbeeError("INVALID_API_KEY", "Invalid or missing API key", status=401)


@app.get("/health")
@app.get("/v1/health")
def health() -> dict[str, Any]:
    """Whether it lives."""
    worker = _here()
    status = "unhealthy" if worker.state == "stopping" else "healthy"
    return {"status": status, "vram_bytes": worker.vram_bytes}


@app.get("/v1/ready")
def ready() -> dict[str, Any]:
    """Whether it can be asked for an inference."""
    worker = _here()
    state = worker.state
    if state == "loading":
        return {"ready": False, "state": state, "progress_url": f"{worker.settings.url}/v1/loading/progress"}
    if state == "stopping":
        return {"ready": False, "state": state}
    return {"ready": True, "state": state, "model_loaded": True}


@app.get("/v1/loading/progress")
def progress() -> flask.Response:
    """How far the loading of its model has come, as it goes on."""
    worker = _here()
    if worker.state != "loading":
        return flask.Response("Model not loading", 503, content_type="text/plain; charset=utf-8")
    return _event_stream(_progress(worker))


def _progress(worker: Worker) -> Iterator[bytes]:
    # No keep-alive: an event comes every 400 ms.
    for event in worker.loading.follow():
        yield events.encode(event)
    yield events.DONE


@app.post("/v1/inference")
def infer() -> flask.Response:
    """Compute, and stream what comes out."""
    worker = _here()
    job = Job(inference.read(flask.request))
    try:
        model = worker.take(job)
    except RbeeError:
        job.close()
        raise
    response = _event_stream(_inference(worker, job, model, flask.g.correlation_id))

    # Reached however the answer ends; a generator whose answer never began would not clean up after itself.
    @response.call_on_close
    def end() -> None:
        worker.release(job)
        job.close()

    return response


@app.delete("/v1/inference/<job_id>")
def cancel(job_id: str) -> tuple[str, int]:
    """Stop computing."""
    _here().cancel(job_id)
    return "", 204


def _inference(worker: Worker, job: Job, model: Model, correlation_id: str) -> Iterator[bytes]:
    job_id = job.inference.job_id
    validated = events.narration("http-server", f"Inference request validated for job {job_id}")
    more = {"cute": f"Job {job_id} looks good, let's go! ✅", "correlation_id": correlation_id, "job_id": job_id}
    yield events.encode({**validated, "action": "execute_request", "target": job_id, **more})
    for event in Generation(job, model).events():
        yield events.encode(event)
    # Who sees the end finds the worker idle.
    worker.release(job)
    yield events.DONE


@app.post("/v1/admin/shutdown")
@app.post("/v1/shutdown")
@app.post("/shutdown")
def shut_down() -> dict[str, str]:
    """End, as soon as this answer has left."""
    worker = _here()
    if worker.shut_down():
        # Time that passes before the answer has left would take it back from its asker.
        serve.once_answered(worker.leave)
    worker.info(f"shutdown requested by {flask.request.path}")
    return {"message": "Worker is shutting down"}


def _event_stream(pieces: Iterator[bytes]) -> flask.Response:
    return flask.Response(pieces, content_type="text/event-stream", headers={"cache-control": "no-cache"})
