"""What Then steps want to see of a node's hive, as the queen asked it for the user's task. Every function raises
AssertionError with what was seen."""

from __future__ import annotations

import json

from harness import expect
from harness.checks import flow
from harness.evidence import Evidence, made_up

UPGRADE = """\
Error: Version mismatch
  rbee-keeper: v{keeper}
  rbee-hive: v{hive}

Please upgrade rbee-keeper to v{hive}:
  cargo install rbee-keeper --version {hive}"""  # docs/contract.md, section 4.6, EC8


def expect_answer(evidence: Evidence, node: str, request: str, status: int, body: str) -> None:
    """The hive of `node`, when the queen first reached it with `request` (method and path), answered with this status
    and exactly this JSON."""
    asked = [one for one in flow.asked_by_queen(evidence) if (one.role, one.node) == ("hive", node)]
    answered = [one for one in asked if f"{one.method} {one.path}" == request and one.status is not None]
    seen = "\n  ".join(map(str, asked)) or "nothing"
    assert answered, f"the hive of {node} answered no {request}; the queen asked it\n  {seen}"
    answer = json.loads(evidence.normal(answered[0].answer_body or "null"))
    expect.equal(f"the status of {request}", answered[0].status, status)
    expect.equal(f"the answer to {request}", answer, json.loads(body))


def expect_nothing_provisioned(evidence: Evidence, node: str, code: str) -> None:
    """The queen ended the user's task with an error of this code. Until then she had asked the hive of `node` for
    nothing but what it knows, the hub had been asked for nothing, and neither a model nor a worker is there."""
    errors = [event["code"] for event in flow.task(evidence).payloads if event.get("type") == "error"]
    expect.equal("the errors of the task", errors, [code])
    asked = [one for one in flow.asked_by_queen(evidence) if one.node == node]
    assert asked, f"the queen asked nothing of {node}"
    orders = [one for one in asked if one.role == "hive" and one.method != "GET"]
    evidence.none(f"order to the hive of {node}", orders, made_up.exchange(node=node, role="hive", method="POST"))
    evidence.none("request to the hub", evidence.exchanges(role="hub"), made_up.exchange(asker=node, role="hub"))
    evidence.none(f"model in the catalogue of {node}", evidence.catalogue_rows(node), made_up.catalogue_row(node))
    worker = made_up.process("llm-worker-rbee", node)
    evidence.none(f"worker on {node}", evidence.processes("llm-worker-rbee", node), worker)


def expect_upgrade_advice(evidence: Evidence, keeper: str, hive: str) -> None:
    """The user was told both versions, and the command that upgrades the keeper to the hive's."""
    expect.lines("stderr", evidence.printed("stderr"), UPGRADE.format(keeper=keeper, hive=hive))


def expect_task_took(evidence: Evidence, took_s: float) -> None:
    """The user's task ended so many seconds after the queen had been asked for it."""
    task = flow.task(evidence)
    assert task.ended_at_us is not None, f"it has not ended: {task}"
    took_us = task.ended_at_us - task.asked_at_us
    expect.delay("the task took", took_us, round(took_s * 1_000_000), real=evidence.real)
