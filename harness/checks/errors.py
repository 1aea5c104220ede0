"""What Then steps want to see of errors as programs tell them to each other. Every function raises AssertionError with
what was seen."""

from __future__ import annotations

import json

from harness import expect
from harness.checks import flow
from harness.evidence import Evidence
from harness.evidence.exchanges import Exchange

PUBLISHED = {
    "ALL_SLOTS_BUSY",
    "BACKEND_UNAVAILABLE",
    "CONNECTION_TIMEOUT",
    "CUDA_DEVICE_FAILED",
    "DOWNLOAD_FAILED",
    "DOWNLOAD_TIMEOUT",
    "GPU_NOT_AVAILABLE",
    "GPU_TOO_HOT",
    "GPU_VRAM_EXHAUSTED",
    "INSUFFICIENT_RAM",
    "INTERNAL_ERROR",
    "INVALID_API_KEY",
    "INVALID_REQUEST",
    "LOADING_TIMEOUT",
    "MISSING_API_KEY",
    "MODEL_NOT_FOUND",
    "QUEUE_FULL",
    "REQUEST_CANCELED",
    "REQUEST_TIMEOUT",
    "VERSION_MISMATCH",
    "VRAM_EXHAUSTED",
    "VRAM_FRAGMENTED",
    "WORKER_ALREADY_REGISTERED",
    "WORKER_CRASHED",
    "WORKER_FAILED",
    "WORKER_NOT_READY",
}
"""The error codes that rbee has published: docs/contract.md, section 4.4."""


def expect_envelope(evidence: Evidence, node: str, status: int, text: str) -> None:
    """The hive of `node` refused to start a worker for the user's task with this status; its answer is the JSON of
    `text`, whose members stand in alphabetical order."""
    refused = _refusal(evidence, node)
    expect.equal("the hive's status", refused.status, status)
    seen = json.dumps(refused.answer, indent=2, sort_keys=True)
    expect.lines("the hive's answer", seen, text)
    expect.equal("how many lines it has", len(seen.splitlines()), len(text.splitlines()))


def expect_passed_on(evidence: Evidence, node: str, code: str) -> None:
    """The queen told the user's program of the error with which the hive of `node` refused, member by member; its code
    is this one, and one of those that rbee has published."""
    error = _refusal(evidence, node).answered["error"]
    told = [payload for payload in flow.task(evidence).payloads if payload.get("type") == "error"]
    expect.equal("the errors that the user's program was told of", told, [{"type": "error", **error}])
    expect.equal("the code", told[0]["code"], code)
    assert code in PUBLISHED, f"{code} is none of rbee's published codes: {', '.join(sorted(PUBLISHED))}"


def _refusal(evidence: Evidence, node: str) -> Exchange:
    asked = [one for one in flow.asked_by_queen(evidence) if one.node == node]
    spawned = [one for one in asked if (one.role, one.path) == ("hive", "/v1/workers/spawn")]
    shown = ", ".join(map(str, asked)) or "nothing"
    assert spawned, f"the hive of {node} was not asked for a worker; the queen asked {shown}"
    return spawned[-1]
