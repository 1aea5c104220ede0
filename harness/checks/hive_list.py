"""What Then steps want to see of the workers that a hive knows. Every function raises AssertionError with what was
seen."""

from __future__ import annotations

from typing import Any

from behave.model import Table

from harness import expect
from harness.evidence import Evidence, made_up


def expect_listed(evidence: Evidence, node: str, table: Table) -> None:
    """When the operator asked it last, the hive of `node` listed exactly the workers of the table, with these members;
    their ids are the ones that it gave them."""
    entries = last_list(evidence, node)
    expect.equal("how many workers it lists", len(entries), len(table.rows))
    for worker, row in zip(entries, table, strict=True):
        seen = {name: evidence.normal(expect.as_text(value)) for name, value in worker.items()}
        expect.members("a worker in the hive's list", seen, row.as_dict())
    spawned = evidence.exchanges(role="hive", node=node, method="POST", path="/v1/workers/spawn", status=200)
    expect.equal("their ids", [worker["id"] for worker in entries], [one.answered["worker_id"] for one in spawned])


def expect_nothing_listed(evidence: Evidence, node: str) -> None:
    """When the operator asked it last, the hive of `node` listed no worker."""
    counter = made_up.exchange(**_question(node), answer={"workers": [{"id": "made-up"}]})
    evidence.none(f"worker in the list of the hive of {node}", last_list(evidence, node), counter)


def entry(evidence: Evidence, node: str, worker_id: str) -> dict[str, Any]:
    """The entry of this worker in the list that the hive of `node` gave the operator last."""
    listed = {worker["id"]: worker for worker in last_list(evidence, node)}
    assert worker_id in listed, f"{worker_id} is not in the hive's list, which has {sorted(listed) or 'no worker'}"
    return listed[worker_id]


def last_list(evidence: Evidence, node: str) -> list[dict[str, Any]]:
    """The workers that the hive of `node` listed when the operator asked it last."""
    asked = _question(node)
    evidence.exchange(**asked, status=200)
    workers: list[dict[str, Any]] = evidence.exchanges(**asked)[-1].answered["workers"]
    return workers


def _question(node: str) -> dict[str, str]:
    return {"asker": "operator", "role": "hive", "node": node, "method": "GET", "path": "/v1/workers/list"}
