"""What Then steps want to see of API keys: who showed which, and how the door stayed shut. Every function raises
AssertionError with what was seen."""

from __future__ import annotations

from behave.model import Table

from harness import expect
from harness.evidence import Evidence, made_up
from harness.evidence.exchanges import Exchange


def _first_asked(evidence: Evidence, node: str) -> Exchange:
    """The first that the queen asked of the hive of `node` for the user's task."""
    task = evidence.exchange(asker="blep", role="queen", method="POST", path="/v2/tasks")
    asked = evidence.exchanges(asker="blep", role="hive", node=node)
    since = [one for one in asked if one.number > task.number]
    assert since, f"for {task} nobody asked the hive of {node}"
    return since[0]


def expect_shown(evidence: Evidence, node: str, authorization: str) -> None:
    """The user's program sent this Authorization to the queen, and she passed it on to the hive of `node`."""
    task = evidence.exchange(asker="blep", role="queen", method="POST", path="/v2/tasks")
    for asked in (task, _first_asked(evidence, node)):
        expect.equal(f"the Authorization of {asked}", asked.headers.get("authorization"), authorization)


def expect_refused(evidence: Evidence, node: str, table: Table) -> None:
    """What the queen first asked of the hive of `node` was answered with this status and an error of these members."""
    refused = _first_asked(evidence, node)
    seen = {"status": refused.status, **refused.answered.get("error", {})}
    expect.members(f"the answer to {refused}", seen, table[0].as_dict())


def expect_nothing_more(evidence: Evidence, node: str) -> None:
    """Nobody asked anything of `node` after that, by HTTP or SSH, and no worker runs there."""
    evidence.exit_code()
    refused = _first_asked(evidence, node)
    later = [one for one in evidence.exchanges(node=node) if one.number > refused.number]
    evidence.none(f"request to {node} after {refused}", later, made_up.exchange(node=node, role="hive"))
    worker = made_up.process("llm-worker-rbee", node)
    evidence.none(f"worker on {node}", evidence.processes("llm-worker-rbee", node), worker)
