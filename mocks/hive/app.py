"""The hive's routes (docs/contract.md, sections 2.2, 8 and 9)."""

from __future__ import annotations

import re
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask

from mocks.common import events, fields, machine, serve
from mocks.common.errors import RbeeError
from mocks.common.fields import Field
from mocks.hive import auth, catalog, hub, logs, preflight
from mocks.hive.download import Download, Downloads
from mocks.hive.workers import STATES, Order, Workers

KEEP_ALIVE_S = 10
"""How long a stream of download progress may be silent before a comment shows that it lives."""

_WORKER_ID = re.compile(r"[^\x00-\x1f\x7f-][^\x00-\x1f\x7f]{0,254}")
"""What can stand on a command line and in a line of a log."""
_WORKERS_ROUTES = ("/v1/workers/ready", "/v1/workers/state")


app = serve.application("rbee-hive")


@dataclass(frozen=True)
class Hive:
    """What a running hive has, for its routes."""

    workers: Workers
    downloads: Downloads


def application(workers: Workers, downloads: Downloads) -> flask.Flask:
    """The application of a hive with these workers and downloads.

    There is one, of the hive for which it was asked last. It is built when the module is loaded, since its routes take
    longer to compile than to answer: a program that is forked finds them ready."""
    app.extensions["hive"] = Hive(workers, downloads)
    return app


def _here() -> Hive:
    hive: Hive = app.extensions["hive"]
    return hive


@app.before_request
def let_in() -> None:
    """A hive with a key answers who shows it, and its own workers who show theirs where they report."""
    key = auth.node_key()
    if key is None:
        return
    keys = [key]
    if flask.request.path in _WORKERS_ROUTES:
        keys += [worker.api_key for worker in _here().workers.all()]
    auth.check(flask.request.headers.get("Authorization", ""), keys)


@app.get("/health")
@app.get("/v1/health")
def health() -> dict[str, str]:
    """That it lives, and its version."""
    return {"status": "alive", "version": machine.version(), "api_version": "v1"}


@app.get("/v1/logs")
def read_logs() -> flask.Response:
    """The last lines of its log, and with `follow=true` what it writes from now on."""
    asked = fields.query(flask.request, Field("follow", "bool", required=False, default=False))
    lines = logs.follow(flask.request.environ["werkzeug.socket"]) if asked["follow"] else iter(logs.last())
    encoded = (f"{line}\n".encode(errors="backslashreplace") for line in lines)
    return flask.Response(encoded, content_type="text/plain; charset=utf-8")


@app.post("/v1/models/download")
def download() -> dict[str, Any]:
    """Begin to bring a model here, unless the catalogue has it."""
    text = fields.body(flask.request, Field("model_ref"))["model_ref"]
    if text.count(":") != 1:
        raise RbeeError("INVALID_REQUEST", f"Invalid model reference format: {text}", status=400)
    model = hub.reference(text)
    known = catalog.find(model.provider, model.name)
    if known:
        return {"download_id": "cached", "local_path": known.local_path}
    return {"download_id": _here().downloads.start(model).id, "local_path": None}


@app.get("/v1/models/download/progress")
def progress() -> flask.Response:
    """How far a download has come, as it goes on."""
    asked = fields.query(flask.request, Field("id"))
    stream = _progress(_here().downloads.get(asked["id"]))
    headers = {"cache-control": "no-cache"}
    return flask.Response(stream, content_type="text/event-stream", headers=headers)


def _progress(download: Download) -> Iterator[bytes]:
    for event in download.events.follow(KEEP_ALIVE_S):
        yield b":\n\n" if event is None else events.encode(event)
    yield events.DONE


@app.post("/v1/workers/spawn")
def spawn() -> dict[str, Any]:
    """Start a worker; answered while it loads."""
    model_field = _either("model_ref", "model")
    asked = fields.body(
        flask.request,
        Field(model_field),
        Field("backend"),
        Field("device", "u32"),
        Field("model_path", required=False, default=""),
        Field("worker_id", required=False, nullable=True),
    )
    model = hub.reference(asked[model_field])
    path = asked["model_path"] or _model_path(model)
    worker_id = asked["worker_id"] or f"worker-{uuid.uuid4()}"
    if not _WORKER_ID.fullmatch(worker_id):
        message = f"Invalid worker_id: {worker_id!r} (at most 255 characters, none of them a control character)"
        raise RbeeError("INVALID_REQUEST", message, status=400)
    preflight.check(_size(path), asked["backend"], asked["device"])
    worker = _here().workers.spawn(Order(worker_id, str(model), path, asked["backend"], asked["device"]))
    reply = {"worker_id": worker.id, "url": worker.url, "state": "loading", "api_key": worker.api_key}
    return {**reply, "model_ref": str(model), "backend": asked["backend"], "device": asked["device"]}


@app.get("/v1/workers/list")
def list_workers() -> dict[str, Any]:
    """All workers and their states."""
    return {"workers": [worker.row() for worker in _here().workers.all()]}


def _model_path(model: hub.Reference) -> str:
    """The path that the catalogue knows, else that of the file after a download."""
    known = catalog.find(model.provider, model.name)
    return known.local_path if known else _here().downloads.start(model).outcome()


def _size(path: str) -> int:
    try:
        file = Path(path).stat()
    except (OSError, ValueError) as failure:
        why = getattr(failure, "strerror", None) or failure
        raise RbeeError("MODEL_NOT_FOUND", f"The model file {path} cannot be used: {why}", status=404) from failure
    if not stat.S_ISREG(file.st_mode):
        raise RbeeError("MODEL_NOT_FOUND", f"The model file {path} cannot be used: it is no file", status=404)
    return file.st_size


@app.post("/v1/workers/ready")
def ready() -> dict[str, str]:
    """A worker reports that it listens."""
    report = fields.body(flask.request, *_ready_fields())
    worker = _here().workers.get(report["worker_id"])
    if worker:
        worker.called_back(report["vram_bytes"])
        logs.info(f"worker {worker.id} listens at {worker.url} and loads its model")
    return {"message": "Worker registered as ready"}


@app.post("/v1/workers/state")
def state() -> dict[str, str]:
    """A worker reports what it does now."""
    report = fields.body(flask.request, Field("worker_id"), Field("state"), Field("slots_available", "u32"))
    if report["state"] not in STATES:
        message = f"state: unknown variant `{report['state']}`, expected one of {', '.join(STATES)}"
        raise RbeeError("INVALID_REQUEST", message, status=422)
    worker = _here().workers.get(report["worker_id"])
    if worker is None:
        raise RbeeError("INVALID_REQUEST", f"Worker not found: {report['worker_id']}", status=404)
    worker.changed(report["state"], report["slots_available"])
    logs.info(f"worker {worker.id} is {worker.state}")
    return {"message": "Worker state updated"}


def _ready_fields() -> tuple[Field, ...]:
    """The fields of a ready callback, which comes in two shapes (docs/contract.md, section 8 row 6)."""
    if _either("url", "uri") == "uri":
        return Field("worker_id"), Field("uri"), Field("vram_bytes", "u64")
    known = Field("worker_id"), Field("url"), Field("model_ref"), Field("backend"), Field("device", "u32")
    return *known, Field("vram_bytes", "u64", required=False)


def _either(usual: str, other: str) -> str:
    """Which of two names a field of the request's body has."""
    names = fields.members(flask.request)
    return other if other in names and usual not in names else usual
