"""What Then steps want to see of a hive's checks before it starts a worker. Every function raises AssertionError with
what was seen.

The programs that a hive asked are recorded by its node; what it concluded stands in the user's task."""

from __future__ import annotations

from behave.model import Table

from harness import expect
from harness.evidence import Evidence, made_up

MEMORY_QUERIES = {"RAM": "free -m", "VRAM": "nvidia-smi --query-gpu=index,memory.free --format=csv,noheader,nounits"}
DEVICE_QUERY = "nvidia-smi --query-gpu=index --format=csv,noheader"


def expect_memory_check(evidence: Evidence, node: str, memory: str, required_mb: int, available_mb: int) -> None:
    """The hive of `node` asked its machine for the free memory of this kind (RAM or VRAM), and told the user what it
    requires and what there is, in MB."""
    check = f"{memory} check: required {required_mb} MB, available {available_mb} MB"
    expect.in_order("what the hive concluded", _conclusions(evidence), [check])
    expect.in_order(f"what was asked on {node}", _queries(evidence, node), [MEMORY_QUERIES[memory]])


def expect_device_check(evidence: Evidence, node: str, device: int, backend: str) -> None:
    """After its RAM check the hive of `node` asked its machine for the CUDA devices, and told the user that this device
    of this backend is there."""
    conclusions = [text.split(": ")[0] if text.startswith("RAM") else text for text in _conclusions(evidence)]
    check = f"Backend check: {backend} available (device {device})"
    expect.in_order("what the hive concluded", conclusions, ["RAM check", check])
    expect.in_order(f"what was asked on {node}", _queries(evidence, node), [MEMORY_QUERIES["RAM"], DEVICE_QUERY])


def expect_refusal(evidence: Evidence, node: str, table: Table) -> None:
    """The hive of `node` was asked once for a worker, answered with this status, code and details, and started none."""
    evidence.exit_code()
    asked = evidence.exchange(role="hive", node=node, method="POST", path="/v1/workers/spawn")
    error = asked.answered.get("error")
    assert error, f"{asked} was not refused: {asked.answer_body!r}"
    seen = {"status": asked.status, "code": error["code"], **error.get("details", {})}
    wanted = table[0].as_dict()
    expect.equal(f"the answer to {asked}", {name: expect.as_text(value) for name, value in seen.items()}, wanted)
    expect.equal("how often a worker was asked for", len(evidence.exchanges(path=asked.path)), 1)
    worker = made_up.process("llm-worker-rbee", node)
    evidence.none(f"worker on {node}", evidence.processes("llm-worker-rbee", node), worker)
    callback = made_up.exchange(asker=node, node=node, role="hive", method="POST", path="/v1/workers/ready")
    evidence.none("ready callback of a worker", evidence.exchanges(role="hive", path="/v1/workers/ready"), callback)


def _conclusions(evidence: Evidence) -> list[str]:
    """What the hive told the user, by way of the queen, of each check, in order."""
    evidence.exit_code()
    task = evidence.exchange(role="queen", method="POST", path="/v2/tasks")
    return [told["human"] for told in task.payloads if told.get("actor") == "worker-preflight"]


def _queries(evidence: Evidence, node: str) -> list[str]:
    """The command lines of the tools that were called on `node`, in order."""
    return [call.split("\t", 1)[1] for call in evidence.tools(node)]
