"""The routes of the registry: add, list, remove and install nodes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import flask
from flask import request

from mocks.common import clock, fields, log, ssh
from mocks.common.fields import Field
from mocks.queen import install
from mocks.queen.hives import login_of
from mocks.queen.registry import Node, RegistryError
from mocks.queen.state import here
from mocks.queen.task import ACTOR

SSH_TEST = "echo 'connection test'"
SSH_LIMIT_S = 10

routes = flask.Blueprint("nodes", __name__, url_prefix="/v2/registry/beehives")

_NODE_FIELDS = (
    Field("node_name"),
    Field("ssh_host"),
    Field("ssh_port", "u16", required=False, default=22),
    Field("ssh_user"),
    Field("ssh_key_path", required=False, nullable=True),
    Field("git_repo_url"),
    Field("git_branch"),
    Field("install_path"),
    Field("backends", required=False, nullable=True),
    Field("devices", required=False, nullable=True),
)

Answer = dict[str, Any] | tuple[dict[str, Any], int]


@routes.post("/add")
def add() -> Answer:
    """Store a node once a login on it has worked."""
    told = fields.body(request, *_NODE_FIELDS)
    node = Node(**told, status="reachable", last_connected_unix=clock.now_us() // 1_000_000)
    name = node.node_name
    try:
        _test_login(node)
        here().registry.add(node)
    except ssh.SshError as error:
        why = "Connection refused" if isinstance(error, ssh.SshRefused) else str(error)
        return {"success": False, "message": f"SSH connection failed: {why}", "node_name": name}, 400
    except RegistryError as error:
        return {"success": False, "message": f"Failed to save node: {error.reason}", "node_name": name}, 500
    log.info(ACTOR, f"Node '{name}' added")
    return {"success": True, "message": f"Node '{name}' added successfully", "node_name": name}


def _test_login(node: Node) -> None:
    done = ssh.run(login_of(node), SSH_TEST, limit_s=SSH_LIMIT_S)
    if done.code != 0:
        raise ssh.SshError(f"the connection test ended with code {done.code}")


@routes.get("/list")
def list_all() -> Answer:
    """All nodes, by name."""
    try:
        return {"nodes": [asdict(node) for node in here().registry.nodes()]}
    except RegistryError as error:
        log.error(ACTOR, error.message)
        return {"nodes": []}, 500


@routes.post("/remove")
def remove() -> Answer:
    """Forget a node."""
    name = fields.body(request, Field("node_name", required=False, default=""))["node_name"]
    try:
        removed = here().registry.remove(name)
    except RegistryError as error:
        return {"success": False, "message": f"Failed to remove node: {error.reason}"}, 500
    if not removed:
        return {"success": False, "message": f"Node '{name}' not found"}, 404
    log.info(ACTOR, f"Node '{name}' removed")
    return {"success": True, "message": f"Node '{name}' removed successfully"}


@routes.post("/install")
def install_on() -> flask.Response:
    """Install rbee on a node, and stream how it goes."""
    node = here().node(fields.body(request, Field("node_name"))["node_name"])
    return flask.Response(install.install(node), content_type="text/event-stream")
