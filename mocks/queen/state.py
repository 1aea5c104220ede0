"""What a running queen has, for its routes."""

from __future__ import annotations

from dataclasses import dataclass, field

import flask

from mocks.common.errors import RbeeError
from mocks.queen.hives import Hive, Hives, hive_of
from mocks.queen.registry import Node, Registry
from mocks.queen.task import Tasks
from mocks.queen.workers import Workers


@dataclass(frozen=True)
class Queen:
    """The registry on disk, and in memory the hives, workers and tasks that this queen deals with."""

    registry: Registry
    hives: Hives = field(default_factory=Hives)
    workers: Workers = field(default_factory=Workers)
    tasks: Tasks = field(default_factory=Tasks)

    def node(self, name: str) -> Node:
        """The registered node of that name. Raises RbeeError NODE_NOT_FOUND (404), or RegistryError."""
        node = self.registry.find(name)
        if node is None:
            raise RbeeError("NODE_NOT_FOUND", f"Node '{name}' not registered", status=404, node=name)
        return node

    def hive(self, name: str) -> Hive:
        """The hive of a registered node, or this machine's: `localhost` needs no row. Raises as `node` does."""
        if name == "localhost" and self.registry.find(name) is None:
            return Hive(name, name)
        return hive_of(self.node(name))


def here() -> Queen:
    """The queen that answers the current request."""
    queen: Queen = flask.current_app.extensions["queen"]
    return queen


def asker_key() -> str | None:
    """The API key that the current request carries, for the hives that it leads to."""
    given = flask.request.authorization
    return given.token if given and given.type == "bearer" else None
