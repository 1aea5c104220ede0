"""The workers that the queen can tell of: those of the registered nodes' hives, and those that registered with it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen.asking import unsent
from mocks.queen.hives import hive_of
from mocks.queen.registry import Node
from mocks.queen.worker import listed

LIST_LIMIT_S = 2  # docs/contract.md, section 9 row 5
SHUTDOWN_LIMIT_S = 10  # as the hive's own for an idle worker: docs/contract.md, section 4.1


@dataclass(frozen=True)
class Known:
    """A worker as the queen knows it."""

    worker_id: str
    node: str
    state: str
    model_ref: str
    url: str
    api_key: str | None = None


@dataclass(frozen=True)
class Census:
    """The workers of some nodes, and the names of the nodes whose hives did not answer."""

    workers: list[Known]
    silent: list[str]


class Workers:
    """Knows workers by asking hives. Those that registered with this queen are kept in memory."""

    def __init__(self) -> None:
        self._registered: dict[str, Known] = {}

    def register(self, worker: Known) -> None:
        """Remember `worker`; one of the same id is replaced."""
        self._registered[worker.worker_id] = worker

    def count(self, nodes: list[Node], api_key: str | None) -> Census:
        """Ask the hives of `nodes`, each within 2 s, and add the registered workers of any node."""
        with ThreadPoolExecutor(max_workers=len(nodes) or 1) as pool:
            answers = dict(zip(nodes, pool.map(partial(_ask, api_key=api_key), nodes), strict=True))
        found = {worker.worker_id: worker for workers in answers.values() for worker in workers or ()}
        silent = [node.node_name for node, workers in answers.items() if workers is None]
        return Census(list((self._registered | found).values()), silent)


def _ask(node: Node, api_key: str | None) -> list[Known] | None:
    """The workers of a node's hive, or None when it gives no good answer."""
    with http.session(api_key=api_key) as session:
        try:
            return [_known(node, worker) for worker in listed(session, hive_of(node), limit_s=LIST_LIMIT_S)]
        except (RbeeError, KeyError):
            return None


def _known(node: Node, told: dict[str, Any]) -> Known:
    return Known(told["id"], node.node_name, told["state"], told["model_ref"], told["url"], told.get("api_key"))


def shut_down(worker_id: str, known: Iterable[Known]) -> None:
    """Tell the worker of that id, one of `known`, to end. Raises RbeeError in rbee's words when that fails."""
    worker = next((worker for worker in known if worker.worker_id == worker_id), None)
    if worker is None:
        raise RbeeError("WORKER_NOT_FOUND", f"Worker not found: {worker_id}")
    url = f"{worker.url}/v1/admin/shutdown"
    with http.session(api_key=worker.api_key) as session:
        try:
            response = session.post(url, timeout=SHUTDOWN_LIMIT_S)
        except ValueError as error:
            raise RbeeError("WORKER_FAILED", "builder error") from error
        except requests.RequestException as error:
            raise RbeeError("WORKER_FAILED", unsent(url)) from error
    if not response.ok:
        raise RbeeError("WORKER_FAILED", f"Worker shutdown failed: HTTP {http.status_text(response.status_code)}")
