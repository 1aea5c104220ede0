"""What Then steps want to see of an inference's way through rbee. Every function raises AssertionError with what was
seen."""

from __future__ import annotations

from pathlib import PurePosixPath

from behave.model import Table

from harness import expect, fixtures
from harness.checks import shown
from harness.evidence import Event, Evidence
from harness.evidence.exchanges import Exchange


def task(evidence: Evidence) -> Exchange:
    """The last task that the user gave the queen, told from other users' by TEST-001's prompt, once the user's program
    has ended."""
    evidence.exit_code()
    asked = evidence.exchanges(asker="blep", role="queen", method="POST", path="/v2/tasks")
    users = [one for one in asked if isinstance(one.sent, dict) and one.sent.get("prompt") == fixtures.PROMPT]
    seen = "\n  ".join(map(str, evidence.exchanges())) or "nothing"
    assert users, f"the user gave the queen no task; seen:\n  {seen}"
    return users[-1]


def asked_by_queen(evidence: Evidence) -> list[Exchange]:
    """What the queen asked of others for the user's task, in order."""
    began = task(evidence).number
    return [one for one in evidence.exchanges(asker="blep") if one.number > began and one.role != "queen"]


def hops(evidence: Evidence) -> list[str]:
    """Every request and every command over SSH that the world witnessed, in order: `asker → asked: what for`."""
    exchanges = {exchange.number: exchange for exchange in evidence.exchanges()}
    kinds = ("asked", "command")
    return [_hop(event, exchanges) for event in evidence.events if event["event"] in kinds]


def _hop(event: Event, exchanges: dict[int, Exchange]) -> str:
    if event["event"] == "command":
        return f"blep → {event['node']}: {event['command']}"
    return hop(exchanges[event["exchange"]])


def hop(exchange: Exchange) -> str:
    """A request, said as in `hops`."""
    path = PurePosixPath(exchange.path).name if exchange.role == "hub" else exchange.path
    return f"{exchange.asker} → {exchange.role or exchange.node}: {exchange.method} {path}".rstrip()


def expect_hops(evidence: Evidence, table: Table) -> None:
    """The hops of the table were seen in its order, others perhaps between them; each request was answered with 2xx."""
    evidence.exit_code()
    wanted = [f"{row['asker']} → {row['asked']}: {row['for']}" for row in table]
    expect.in_order("the hops", hops(evidence), wanted)
    failed = [str(one) for one in evidence.exchanges() if one.status is not None and one.status >= 400]
    expect.equal("requests that were refused", failed, [])


def expect_worker(evidence: Evidence, node: str, backend: str, device: str) -> None:
    """A worker process lives on `node`, whose command line names this backend and device."""
    worker = evidence.process("llm-worker-rbee", node)
    expect.equal(f"backend of {worker}", worker.option("--backend"), backend)
    expect.equal(f"device of {worker}", worker.option("--device"), device)


def expect_tokens(evidence: Evidence, count: int) -> None:
    """stdout is the text of exactly `count` tokens, in the order in which they passed the network from the worker."""
    evidence.exit_code()
    answer = evidence.exchange(role="worker", method="POST", path="/v1/inference", status=200)
    tokens = [payload["t"] for payload in answer.payloads if payload.get("type") == "token"]
    expect.equal("how many tokens the worker sent", len(tokens), count)
    shown.expect_tokens(evidence, tokens)


def expect_task_refused(evidence: Evidence, status: int, code: str) -> None:
    """The queen answered the user's task with this HTTP status and, in its envelope, this error code."""
    task = evidence.exchange(asker="blep", role="queen", method="POST", path="/v2/tasks")
    expect.equal("the queen's status", task.status, status)
    expect.equal("the error code", task.answered["error"]["code"], code)


def expect_task_error(evidence: Evidence, table: Table) -> None:
    """The queen ended the stream of the user's task with one error, which has these members: its code, its details."""
    evidence.exit_code()
    task = evidence.exchange(asker="blep", role="queen", method="POST", path="/v2/tasks")
    errors = [event for event in task.payloads if event.get("type") == "error"]
    expect.equal(f"how many errors {task} told of", len(errors), 1)
    seen = {"code": errors[0]["code"], **errors[0].get("details", {})}
    expect.members("the error", {name: expect.as_text(value) for name, value in seen.items()}, table[0].as_dict())
