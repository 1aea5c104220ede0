"""The flow of a task, from its node's hive to its last token (docs/contract.md, section 3.2)."""

from __future__ import annotations

from mocks.common import http
from mocks.common.errors import RbeeError
from mocks.queen.hives import Hive, Hives
from mocks.queen.inference import infer
from mocks.queen.loading import await_ready
from mocks.queen.models import provide
from mocks.queen.registry import Registry
from mocks.queen.task import Task
from mocks.queen.worker import find, spawn


def carry(task: Task, hive: Hive, hives: Hives, registry: Registry) -> None:
    """Reach the hive, have a worker for the model, run the inference; tell the task what happens.

    Raises RbeeError when a step fails; no further step is then taken."""
    with hives.heard(hive.node, task.overhear):
        _reach(task, hive, hives, registry)
        with http.session(api_key=task.order.api_key) as session:
            worker = find(session, hive, task.order)
            if worker is None:
                model_path = provide(session, hive, task)
                worker = spawn(session, hive, task.order, model_path)
                await_ready(session, hive, task, worker)
        infer(task, worker)


def _reach(task: Task, hive: Hive, hives: Hives, registry: Registry) -> None:
    """See that the node's hive runs, that it is of the asker's version, and note that it was reached."""
    try:
        health = hives.reach(hive, task)
    except RbeeError as error:
        if error.code == "CONNECTION_TIMEOUT":
            registry.mark_unreachable(hive.node)
        raise
    versions = {"keeper_version": task.order.keeper_version, "hive_version": health["version"]}
    if versions["keeper_version"] != versions["hive_version"]:
        message = "Version mismatch: rbee-keeper v{keeper_version}, rbee-hive v{hive_version}".format(**versions)
        raise RbeeError("VERSION_MISMATCH", message, **versions)
    registry.mark_reachable(hive.node)
