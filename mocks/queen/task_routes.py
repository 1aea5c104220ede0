"""The routes of a task, and of the log that tells what became of it on the node."""

from __future__ import annotations

import flask
from flask import request

from mocks.common import fields, machine
from mocks.common.fields import Field
from mocks.queen import flow, logs
from mocks.queen.state import asker_key, here
from mocks.queen.task import Order, Task

DEFAULT_BACKEND = "cpu"
DEFAULT_DEVICE = 0
"""What the real queen asks for, whatever the task says: here only when it says nothing (docs/contract.md, 2.1)."""

routes = flask.Blueprint("tasks", __name__, url_prefix="/v2")


@routes.post("/tasks")
def run() -> flask.Response:
    """Carry a task through, and stream what happens."""
    task = Task(_order())
    queen = here()
    hive = queen.hive(task.order.node)
    stream = queen.tasks.stream(
        task,
        lambda task: flow.carry(task, hive, queen.hives, queen.registry),
        request.environ["werkzeug.socket"],
    )
    return flask.Response(stream, content_type="text/event-stream")


def _order() -> Order:
    told = fields.body(
        request,
        Field("node"),
        Field("model"),
        Field("prompt"),
        Field("max_tokens", "u32"),
        Field("temperature", "f32"),
        Field("backend", required=False, nullable=True),
        Field("device", "u32", required=False, nullable=True),
    )
    # The device may be 0, so only what is absent gets its default.
    told["backend"] = DEFAULT_BACKEND if told["backend"] is None else told["backend"]
    told["device"] = DEFAULT_DEVICE if told["device"] is None else told["device"]
    version = request.headers.get("X-Rbee-Version") or machine.version()
    return Order(**told, api_key=asker_key(), keeper_version=version)


@routes.delete("/tasks/<task_id>")
def cancel(task_id: str) -> tuple[str, int]:
    """Cancel a task: answered once its worker has been told."""
    here().tasks.cancel(task_id)
    return "", 204


@routes.get("/logs")
def show_logs() -> flask.Response:
    """The log of a node's hive, and with `follow=true` what it writes from now on."""
    asked = fields.query(request, Field("node"), Field("follow", "bool", required=False, default=False))
    hive = here().hive(asked["node"])
    return logs.relay(hive, asker_key(), follow=asked["follow"], asker=request.environ["werkzeug.socket"])
