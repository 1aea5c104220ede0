"""What Then steps want to see of a worker that nobody uses: when it is ended, and that nothing of it is left. Every
function raises AssertionError with what was seen."""

from __future__ import annotations

from behave.model import Table

from harness import expect
from harness.checks import flow, logs
from harness.evidence import Evidence


def expect_times(evidence: Evidence, node: str, worker_id: str, table: Table) -> None:
    """Each thing of the table, a request to `node` or a line in its logs, was seen exactly so long (minutes:seconds)
    after the worker had last told its hive that it is idle."""
    evidence.exit_code()
    told = evidence.exchanges(node=node, role="hive", path="/v1/workers/state", status=200)
    idle = [one for one in told if (one.said["worker_id"], one.said["state"]) == (worker_id, "idle")]
    assert idle, f"{worker_id} never told the hive of {node} that it is idle"
    since_us = idle[-1].asked_at_us
    asked = [(one.asked_at_us, flow.hop(one)) for one in evidence.exchanges(node=node)]
    seen = [(at_us - since_us, what) for at_us, what in [*asked, *logs.lines(evidence, node)] if at_us > since_us]
    for row in table:
        times_us = [after_us for after_us, what in seen if what == row["what"]]
        assert times_us, f"{row['what']!r} was not seen; seen: {seen}"
        minutes, seconds = row["after"].split(":")
        wanted_us = (int(minutes) * 60 + int(seconds)) * 1_000_000
        expect.delay(row["what"], times_us[0], wanted_us, real=evidence.real)


def expect_cold_start(evidence: Evidence, node: str, worker_id: str) -> None:
    """For the user's last task the queen asked the hive of `node` for its workers, was told of none, and had one
    started. It is the second that was started there, and the only one that lives; the first was `worker_id`."""
    asked = [one for one in flow.asked_by_queen(evidence) if one.node == node]
    listed = [one.answer for one in asked if one.path == "/v1/workers/list"]
    # While a worker is not reachable yet, which takes a moment in real time, she looks whether it is still there.
    expect.equal("the list of workers that the queen got first", listed[:1], [{"workers": []}])
    wanted = [one for one in asked if one.path == "/v1/workers/spawn"]
    expect.equal("how many workers the queen asked for", len(wanted), 1)
    spawned = evidence.exchanges(node=node, role="hive", method="POST", path="/v1/workers/spawn", status=200)
    living = [worker.option("--worker-id") for worker in evidence.processes("llm-worker-rbee", node)]
    expect.equal("the workers that were started", [one.answered["worker_id"] for one in spawned], [worker_id, *living])
    expect.equal("how many of them live", len(living), 1)
