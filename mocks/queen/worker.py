"""A worker for a task: one that the hive has already, or a new one (docs/contract.md, sections 2.2 and 9, row 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from mocks.common.errors import RbeeError
from mocks.queen import asking
from mocks.queen.hives import Hive
from mocks.queen.task import Order

LIST_LIMIT_S = 10
SPAWN_LIMIT_S = 30


@dataclass(frozen=True)
class Worker:
    """A worker as its hive tells of it; the key is what the worker asks of its callers."""

    id: str
    url: str
    api_key: str | None


def listed(http: requests.Session, hive: Hive, *, limit_s: float = LIST_LIMIT_S) -> list[dict[str, Any]]:
    """The workers of a hive, in its own words. Raises RbeeError as `asking.ask` does."""
    url = hive.url("/v1/workers/list")
    told = asking.ask(http, "GET", url, purpose="Worker list", limit_s=limit_s, needs=("workers",))["workers"]
    if not (isinstance(told, list) and all(isinstance(one, dict) and "id" in one for one in told)):
        raise RbeeError("INTERNAL_ERROR", "Worker list parse error: error decoding response body")
    return told


def find(http: requests.Session, hive: Hive, order: Order) -> Worker | None:
    """A worker with the ordered model, backend and device: an idle one, else a busy one, else none. One that its hive
    calls unhealthy is none.

    Raises RbeeError as `asking.ask` does."""
    wanted = {"model_ref": order.model, "backend": order.backend, "device": order.device}
    well = [worker for worker in listed(http, hive) if worker.get("healthy", True)]
    fitting = [worker for worker in well if wanted.items() <= worker.items()]
    for state in ("idle", "busy"):
        for worker in fitting:
            if worker["state"] == state:
                return Worker(worker["id"], worker["url"], worker.get("api_key"))
    return None


def spawn(http: requests.Session, hive: Hive, order: Order, model_path: str) -> Worker:
    """A new worker with the ordered backend and device, and the model at `model_path` on the hive's machine.

    Raises RbeeError: VRAM_EXHAUSTED, BACKEND_UNAVAILABLE, and as `asking.ask` does."""
    told = asking.ask(
        http,
        "POST",
        hive.url("/v1/workers/spawn"),
        purpose="Worker spawn",
        limit_s=SPAWN_LIMIT_S,
        body={"backend": order.backend, "device": order.device, "model_path": model_path, "model_ref": order.model},
        needs=("worker_id", "url", "state"),
    )
    return Worker(told["worker_id"], told["url"], told.get("api_key"))
