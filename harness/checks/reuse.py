"""What Then steps want to see of a worker that is there already and used again. Every function raises AssertionError
with what was seen."""

from __future__ import annotations

from typing import Any

from behave.model import Table

from harness import expect
from harness.checks import flow
from harness.evidence import Evidence, made_up
from harness.evidence.exchanges import Exchange


def expect_told(evidence: Evidence, node: str, table: Table) -> None:
    """For the user's task the hive of `node` told the queen of exactly the workers of the table, with these members."""
    workers = _workers(_list(evidence, node))
    expect.equal("how many workers there are", len(workers), len(table.rows))
    for worker, row in zip(workers, table, strict=True):
        expect.members("a worker in the hive's list", worker, row.as_dict())


def expect_straight_to_inference(evidence: Evidence, node: str, worker_id: str, state: str) -> None:
    """The hive of `node` told the queen of this worker in this state; from then on the user's task made her ask nobody
    but this worker, and it for nothing but inference. The hub was asked for nothing; no other worker lives there."""
    listed = _list(evidence, node)
    found = {worker["id"]: worker for worker in _workers(listed)}
    assert worker_id in found, f"{worker_id} is not in the hive's list: {listed.answer_body}"
    expect.equal(f"the state of {worker_id} in the list", found[worker_id]["state"], state)
    later = [one for one in flow.asked_by_queen(evidence) if one.number > listed.number]
    seen = {f"{one.method} {one.url}" for one in later}
    expect.equal("what the queen asked after the list", seen, {f"POST {found[worker_id]['url']}/v1/inference"})
    download = made_up.exchange(asker=node, role="hub")
    evidence.none("request to the hub", evidence.exchanges(role="hub"), download)
    living = [worker.option("--worker-id") for worker in evidence.processes("llm-worker-rbee", node)]
    expect.equal(f"the workers that live on {node}", living, [worker_id])


def _list(evidence: Evidence, node: str) -> Exchange:
    """The queen's question for the workers of the hive of `node`, during the user's task."""
    asked = flow.asked_by_queen(evidence)
    lists = [one for one in asked if (one.role, one.node, one.path) == ("hive", node, "/v1/workers/list")]
    seen = "\n  ".join(map(str, asked)) or "nothing"
    assert lists, f"the hive of {node} was not asked for its workers; the queen asked\n  {seen}"
    return lists[0]


def _workers(listed: Exchange) -> list[dict[str, Any]]:
    return list(listed.answered["workers"])
