"""The Flask application of the queen."""

from __future__ import annotations

import flask

from mocks.common import machine, serve
from mocks.queen import node_routes, task_routes, worker_routes
from mocks.queen.state import Queen


def application(queen: Queen) -> flask.Flask:
    """The application that answers for `queen` (docs/contract.md, section 2.1 and section 9)."""
    app = serve.application("queen-rbee")
    app.extensions["queen"] = queen
    app.add_url_rule("/health", view_func=_health, methods=["GET"])
    for routes in (node_routes.routes, worker_routes.routes, task_routes.routes):
        app.register_blueprint(routes)
    return app


def _health() -> dict[str, str]:
    return {"status": "ok", "version": machine.version()}
