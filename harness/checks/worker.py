"""What Then steps want to see of a worker's start: its process, its key, its report to the hive. Every function raises
AssertionError with what was seen."""

from __future__ import annotations

from behave.model import Table

from harness import expect
from harness.evidence import Event, Evidence, made_up
from harness.evidence.exchanges import Exchange

WORKER = "llm-worker-rbee"
PROGRESS = "/v1/loading/progress"


def expect_command_line(evidence: Evidence, node: str, table: Table) -> None:
    """The command line of the worker on `node`, as the operating system shows it, has these options."""
    worker = evidence.process(WORKER, node)
    seen = {name: evidence.normal(worker.option(name) or "") for name in table.headings}
    expect.equal("the options on the worker's command line", seen, table[0].as_dict())


def expect_listening(evidence: Evidence, node: str, port: int) -> None:
    """The process of the worker on `node` listens at this port, and at no other."""
    expect.equal("where the worker listens", evidence.process(WORKER, node).ports(), {port})


def expect_key(evidence: Evidence, node: str) -> None:
    """The worker on `node` has an API key on its command line. All that ask it show that key, and it stands in nothing
    that a program printed, the worker's own log included."""
    worker = evidence.process(WORKER, node)
    key = worker.option("--api-key")
    assert key, f"no API key is on the command line of {worker}"
    asked = evidence.exchanges(role="worker", node=node)
    expect.equal("the keys that were shown", {one.headers.get("authorization") for one in asked}, {f"Bearer {key}"})
    printed: dict[int, str] = {}
    for event in evidence.of_kind("output"):
        printed[event["pid"]] = printed.get(event["pid"], "") + event["text"]
    assert any(f"[{WORKER}]" in text for text in printed.values()), f"{worker} has logged nothing"
    lines = [line for text in printed.values() for line in text.splitlines()]
    betrayal = made_up.event("output", program=WORKER, node=node, pid=worker.pid, stream="stdout", text=f"\n{key}\n")
    evidence.none("line with the worker's API key", [line for line in lines if key in line], betrayal)


def expect_spawned(evidence: Evidence, node: str, table: Table) -> None:
    """The hive of `node` answered the request for a worker, with these members, before any of its layers were
    loaded."""
    asked = _spawn(evidence, node)
    seen = {name: evidence.normal(expect.as_text(value)) for name, value in asked.answered.items()}
    expect.members(f"the answer to {asked}", seen, table[0].as_dict())
    _expect_order(evidence, _end(evidence, asked), evidence.event("passed", path=PROGRESS))


def expect_callback(evidence: Evidence, node: str, request: str, table: Table) -> None:
    """The worker on `node` made its hive one ready callback: this method and path, the key and the id that the hive had
    given it, and exactly these members."""
    callback = _callback(evidence, node)
    expect.equal("the ready callback", f"{callback.method} {callback.path}", request)
    expect.equal("how often it was made", len(evidence.exchanges(path=callback.path)), 1)
    given = _spawn(evidence, node).answered
    expect.equal("its Authorization", callback.headers.get("authorization"), f"Bearer {given['api_key']}")
    expect.equal("the id that it names", callback.said["worker_id"], given["worker_id"])
    seen = {name: evidence.normal(expect.as_text(value)) for name, value in callback.said.items()}
    expect.equal("its body", seen, table[0].as_dict())


def expect_acknowledged(evidence: Evidence, node: str, status: int, message: str) -> None:
    """The hive of `node` answered the ready callback with this status and message."""
    callback = _callback(evidence, node)
    expect.equal("the hive's status", callback.status, status)
    expect.equal("the hive's answer", callback.answer, {"message": message})


def expect_loading_after_callback(evidence: Evidence, node: str) -> None:
    """The worker on `node` began to load its model when its ready callback had been answered: it said so then, and no
    layers were told of before."""
    answered = _end(evidence, _callback(evidence, node))
    said = [event for event in evidence.of_kind("output", node=node) if "[model-loader]" in event["text"]]
    assert said, f"no program on {node} told of a model being loaded"
    _expect_order(evidence, answered, said[0])
    _expect_order(evidence, answered, evidence.event("passed", path=PROGRESS))


def _spawn(evidence: Evidence, node: str) -> Exchange:
    return evidence.exchange(role="hive", node=node, method="POST", path="/v1/workers/spawn")


def _callback(evidence: Evidence, node: str) -> Exchange:
    return evidence.exchange(asker=node, node=node, role="hive", method="POST", path="/v1/workers/ready")


def _end(evidence: Evidence, exchange: Exchange) -> Event:
    return evidence.event("ended", exchange=exchange.number)


def _expect_order(evidence: Evidence, first: Event, second: Event) -> None:
    events = list(evidence.events)
    assert events.index(first) < events.index(second), f"wanted {dict(first)} before {dict(second)}; it came after"
