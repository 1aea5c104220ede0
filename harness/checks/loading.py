"""What Then steps want to see of a model's way into a worker's memory. Every function raises AssertionError with what
was seen."""

from __future__ import annotations

from behave.model import Table

from harness import expect
from harness.evidence import Evidence
from harness.evidence.exchanges import Exchange


def expect_ready_answer(evidence: Evidence, node: str, table: Table) -> None:
    """The worker on `node`, when it was asked last whether it is ready, answered exactly these members."""
    asked = {"role": "worker", "node": node, "method": "GET", "path": "/v1/ready"}
    evidence.exchange(**asked, status=200)
    answer = evidence.exchanges(**asked)[-1].answered
    seen = {name: expect.as_text(value) for name, value in answer.items()}
    expect.equal("the worker's answer", seen, table[0].as_dict())


def expect_progress_so_far(evidence: Evidence, node: str, table: Table) -> None:
    """The worker on `node` was asked at the address that it gave for its progress. It told first these events there,
    and goes on."""
    progress = _progress(evidence, node)
    ready = evidence.exchange(role="worker", node=node, method="GET", path="/v1/ready", status=200)
    address = f"http://{progress.host}:{progress.port}{progress.path}"
    expect.equal("the address that the worker gave", ready.answered.get("progress_url"), address)
    first = progress.payloads[: len(table.rows)]
    seen = [{name: expect.as_text(event.get(name)) for name in table.headings} for event in first]
    expect.equal("the first events of the progress", seen, [row.as_dict() for row in table])
    expect.equal("how the stream ended", progress.how, None)


def expect_progress(evidence: Evidence, node: str, table: Table) -> None:
    """The worker on `node` told of its loading to VRAM in events that have, in this order, the values of the table: a
    row is a member of the events."""
    events = [event for event in _progress(evidence, node).payloads if event.get("stage") == "loading_to_vram"]
    for row in [table.headings, *(row.cells for row in table)]:
        seen = [expect.as_text(event.get(row[0])) for event in events]
        expect.equal(f"{row[0]} of the events", seen, list(row[1:]))


def expect_progress_end(evidence: Evidence, node: str, loaded: int, total: int) -> None:
    """The last that the worker on `node` told was: so many layers of so many, ready, and the end mark."""
    progress = _progress(evidence, node)
    layers = [(event.get("layers_loaded"), event.get("layers_total")) for event in progress.payloads[-2:-1]]
    expect.equal("the last layers", layers, [(loaded, total)])
    expect.equal("the last event", progress.payloads[-1:], [{"stage": "ready"}])
    assert progress.end_mark, f"the stream has no end mark; it ends with {progress.events[-1:]}"


def expect_given_up(evidence: Evidence, after_s: int) -> None:
    """The user's program ended so many seconds after the hive had answered that a worker was started."""
    evidence.exit_code()
    spawned = evidence.exchange(role="hive", method="POST", path="/v1/workers/spawn", status=200)
    ended_at_us = evidence.run().ended_at_us
    assert ended_at_us is not None
    assert spawned.ended_at_us is not None
    waited_us = ended_at_us - spawned.ended_at_us
    expect.delay("the wait for the worker", waited_us, after_s * 1_000_000, real=evidence.real)


def _progress(evidence: Evidence, node: str) -> Exchange:
    """The stream of the worker's progress, open or ended; awaited."""
    number = evidence.event("passed", path="/v1/loading/progress")["exchange"]
    stream = next((one for one in evidence.exchanges(role="worker", node=node) if one.number == number), None)
    assert stream is not None, f"no worker on {node} told of its progress"
    expect.equal("the status of the progress", stream.status, 200)
    return stream
