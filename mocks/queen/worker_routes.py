"""The routes about workers: list them, show their health, register one, shut one down."""

from __future__ import annotations

from typing import Any

import flask
from flask import request

from mocks.common import fields, log
from mocks.common.errors import RbeeError
from mocks.common.fields import Field
from mocks.queen.registry import RegistryError
from mocks.queen.state import asker_key, here
from mocks.queen.task import ACTOR
from mocks.queen.workers import Census, Known, shut_down

routes = flask.Blueprint("workers", __name__, url_prefix="/v2/workers")

Answer = dict[str, Any] | tuple[dict[str, Any], int]


@routes.get("/list")
def list_all() -> Answer:
    """The workers of all registered nodes, and the names of nodes whose hives are silent."""
    try:
        census = _census()
    except RegistryError as error:
        log.error(ACTOR, error.message)
        return {"workers": []}, 500
    shown = ("worker_id", "node", "state", "model_ref", "url")
    return {
        "workers": [{name: getattr(worker, name) for name in shown} for worker in census.workers],
        "unreachable": census.silent,
    }


@routes.get("/health")
def health() -> Answer:
    """The workers of one node, and whether they are ready."""
    name = fields.query(request, Field("node", required=False, default=""))["node"]
    try:
        census = _census(name)
    except RegistryError as error:
        log.error(ACTOR, error.message)
        return {"status": "error", "workers": [], "unreachable": []}, 500
    return {
        "status": "ok",
        "workers": [
            {"worker_id": worker.worker_id, "state": worker.state, "ready": worker.state in ("idle", "ready")}
            for worker in census.workers
            if worker.node == name
        ],
        "unreachable": census.silent,
    }


@routes.post("/register")
def register() -> Answer:
    """Remember a worker that no hive of a registered node tells of."""
    told = fields.body(
        request,
        Field("worker_id"),
        Field("url"),
        Field("model_ref"),
        Field("backend"),
        Field("device", "u32"),
        Field("node_name"),
        Field("slots_total", "u32", required=False, nullable=True),
        Field("vram_bytes", "u64", required=False, nullable=True),
    )
    worker_id = told["worker_id"]
    here().workers.register(Known(worker_id, told["node_name"], "idle", told["model_ref"], told["url"]))
    message = f"Worker '{worker_id}' registered successfully"
    return {"success": True, "message": message, "worker_id": worker_id}


@routes.post("/shutdown")
def shutdown() -> Answer:
    """Tell a worker to unload its model and end."""
    worker_id = fields.body(request, Field("worker_id"))["worker_id"]
    try:
        shut_down(worker_id, _census().workers)
    except RbeeError as error:
        return {"success": False, "message": f"Failed to shutdown worker: {error.message}"}, 500
    return {"success": True, "message": f"Worker '{worker_id}' shutdown command sent"}


def _census(name: str | None = None) -> Census:
    """What the hives of all nodes tell, or the hive of the node of that name."""
    queen = here()
    nodes = [node for node in queen.registry.nodes() if name in (None, node.node_name)]
    return queen.workers.count(nodes, asker_key())
