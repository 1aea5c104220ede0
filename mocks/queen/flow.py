"""The flow of a task, from its node's hive to its last token (docs/contract.md, section 3.2)."""

from __future__ import annotations

import requests

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen import asking
from mocks.queen.hives import Hive, Hives
from mocks.queen.inference import infer
from mocks.queen.loading import await_ready
from mocks.queen.models import provide
from mocks.queen.registry import Registry
from mocks.queen.task import Task
from mocks.queen.worker import find, spawn

HEALTH_LIMIT_S = 10


def carry(task: Task, hive: Hive, hives: Hives, registry: Registry) -> None:
    """Reach the hive, have a worker for the model, run the inference; tell the task what happens.

    Raises RbeeError when a step fails; no further step is then taken."""
    with hives.heard(hive.node, task.overhear):
        _reach(task, hive, hives, registry)
        with http.session(api_key=task.order.api_key) as session:
            worker = find(session, hive, task.order)
            if worker is None:
                _preflight(session, hive, task)
                model_path = provide(session, hive, task)
                worker = spawn(session, hive, task.order, model_path)
                await_ready(session, hive, task, worker)
        infer(task, worker)


def _reach(task: Task, hive: Hive, hives: Hives, registry: Registry) -> None:
    """See that the node's hive runs, and note in the node's row whether it was reached."""
    try:
        hives.reach(hive, task)
    except RbeeError as error:
        if error.code == "CONNECTION_TIMEOUT":
            registry.mark_unreachable(hive.node)
        raise
    registry.mark_reachable(hive.node)


def _preflight(session: requests.Session, hive: Hive, task: Task) -> None:
    """Pool preflight: see that the hive, which is to start a worker, is of the asker's version."""
    url = hive.url("/v1/health")
    health = asking.ask(session, "GET", url, purpose="Hive health check", limit_s=HEALTH_LIMIT_S, needs=("version",))
    versions = {"keeper_version": task.order.keeper_version, "hive_version": health["version"]}
    if versions["keeper_version"] != versions["hive_version"]:
        message = "Version mismatch: rbee-keeper v{keeper_version}, rbee-hive v{hive_version}".format(**versions)
        raise RbeeError("VERSION_MISMATCH", message, **versions)
