"""What Then steps want to see of a worker that nobody uses: when it is ended, and that nothing of it is left. Every
function raises AssertionError with what was seen."""

from __future__ import annotations

from behave.model import Table

from harness import expect, flow_seen, logs_seen
from harness.evidence import Evidence


def expect_times(evidence: Evidence, node: str, worker_id: str, table: Table) -> None:
    """Each thing of the table, a request to `node` or a line in its logs, was seen exactly so long (minutes:seconds)
    after the worker had last told its hive that it is idle."""
    evidence.exit_code()
    told = evidence.exchanges(node=node, role="hive", path="/v1/workers/state", status=200)
    idle = [one for one in told if (one.sent["worker_id"], one.sent["state"]) == (worker_id, "idle")]
    assert idle, f"{worker_id} never told the hive of {node} that it is idle"
    since_us = idle[-1].asked_at_us
    asked = [(one.asked_at_us, flow_seen.hop(one)) for one in evidence.exchanges(node=node)]
    seen = [(at_us - since_us, what) for at_us, what in [*asked, *logs_seen.lines(evidence, node)] if at_us > since_us]
    for row in table:
        times_us = [after_us for after_us, what in seen if what == row["what"]]
        assert times_us, f"{row['what']!r} was not seen; seen: {seen}"
        minutes, seconds = row["after"].split(":")
        wanted_us = (int(minutes) * 60 + int(seconds)) * 1_000_000
        expect.delay(row["what"], times_us[0], wanted_us, real=evidence.real)


def expect_cold_start(evidence: Evidence, node: str, worker_id: str) -> None:
    """For its last task the queen asked the hive of `node` for its workers, found none, and asked for one; it is
    another one than the one named, of which no process is left."""
    asked = [one for one in flow_seen.asked_by_queen(evidence) if one.node == node]
    listed = [one.answer for one in asked if one.path == "/v1/workers/list"]
    expect.equal("the list of workers", listed, [{"workers": []}])
    started = [one.answer["worker_id"] for one in asked if one.path == "/v1/workers/spawn" and one.status == 200]
    living = [worker.option("--worker-id") for worker in evidence.processes("llm-worker-rbee", node)]
    expect.equal("the workers that live", living, started)
    expect.equal("how many workers were started", len(started), 1)
    assert worker_id not in started, f"{worker_id} was started again"
