"""The Flask application of the queen."""

from __future__ import annotations

import flask

from mocks.common import machine, serve
from mocks.queen import node_routes, task_routes, worker_routes
from mocks.queen.state import Queen

_app = serve.application("queen-rbee")
for _routes in (node_routes.routes, worker_routes.routes, task_routes.routes):
    _app.register_blueprint(_routes)


def application(queen: Queen) -> flask.Flask:
    """The application that answers for `queen` (docs/contract.md, section 2.1 and section 9).

    There is one, of the queen for which it was asked last. It is built when the module is loaded, since its routes take
    longer to compile than to answer: a program that is forked finds them ready."""
    _app.extensions["queen"] = queen
    return _app


@_app.get("/health")
def _health() -> dict[str, str]:
    return {"status": "ok", "version": machine.version()}
