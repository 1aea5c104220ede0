"""One worker, told from all others by its id: how it was started, what it was asked since, whether it lives. For
modules that say what Then steps want to see; every function raises AssertionError with what was seen."""

from __future__ import annotations

from urllib.parse import urlsplit

from harness.evidence import Evidence, made_up
from harness.evidence.exchanges import Exchange
from harness.evidence.processes import Living

WORKER = "llm-worker-rbee"


def started(evidence: Evidence, worker_id: str) -> Exchange:
    """The last request for which a hive started this worker."""
    spawned = evidence.exchanges(role="hive", method="POST", path="/v1/workers/spawn", status=200)
    own = [one for one in spawned if one.answered["worker_id"] == worker_id]
    assert own, f"no hive started {worker_id}; started were {[one.answered['worker_id'] for one in spawned]}"
    return own[-1]


def asked(evidence: Evidence, worker_id: str, method: str, path: str) -> list[Exchange]:
    """What this worker was asked by that method and path since it was started, in order."""
    start = started(evidence, worker_id)
    port = urlsplit(start.answered["url"]).port
    at_its_port = evidence.exchanges(node=start.node, port=port, method=method, path=path)
    return [one for one in at_its_port if one.number > start.number]


def living(evidence: Evidence, worker_id: str) -> list[Living]:
    """The living processes that are this worker: none or one, unless something is wrong."""
    return [one for one in evidence.processes(WORKER) if one.option("--worker-id") == worker_id]


def expect_gone(evidence: Evidence, worker_id: str) -> None:
    """This worker was started, and its process is there no more."""
    node = started(evidence, worker_id).node or ""
    process = made_up.process(WORKER, node, "--worker-id", worker_id)
    evidence.none(f"process of {worker_id}", living(evidence, worker_id), process)
