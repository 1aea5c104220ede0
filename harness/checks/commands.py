"""What Then steps want to see of what the user's commands show of workers and logs. Every function raises
AssertionError with what was seen."""

from __future__ import annotations

from harness import expect
from harness.checks import logs
from harness.evidence import Evidence

LIST = "/v1/workers/list"
HEADINGS = {"Worker ID:": "id", "Node:": "node", "State:": "state"}


def expect_workers_shown(evidence: Evidence, *wanted: tuple[str, str, str]) -> None:
    """The user was shown exactly these workers: id, node and state of each, in this order. It is what the hives of
    these nodes told the queen meanwhile."""
    shown: list[dict[str, str]] = []
    for line in evidence.printed("stdout").splitlines():
        heading = next((heading for heading in HEADINGS if line.strip().startswith(heading)), None)
        if heading == "Worker ID:":
            shown.append({})
        if heading is not None and shown:
            shown[-1][HEADINGS[heading]] = line.strip().removeprefix(heading).strip()
    seen = [tuple(worker.get(name) for name in HEADINGS.values()) for worker in shown]
    expect.equal("the workers that are shown", seen, list(wanted))
    told = [
        (*worker, node) for node in dict.fromkeys(node for _, node, _ in wanted) for worker in _told(evidence, node)
    ]
    expect.equal("the workers that the hives told", told, [(name, state, node) for name, node, state in wanted])


def expect_health_shown(evidence: Evidence, line: str, node: str) -> None:
    """The user was shown this line (docs/contract.md, section 4.5) of a worker, of which the hive of `node` told the
    queen meanwhile."""
    told = [
        f"✓ {worker_id} - {state} (ready: true)" if state == "idle" else f"✗ {worker_id} - {state} (ready: false)"
        for worker_id, state in _told(evidence, node)
    ]
    assert line in told, f"{line!r} is none of the lines for what the hive of {node} told: {told}"
    expect.lines("stdout", evidence.printed("stdout"), line)


def _told(evidence: Evidence, node: str) -> list[tuple[str, str]]:
    """The workers of which the hive of `node` told the queen while the user's program ran: id and state."""
    run = evidence.run()
    asked = evidence.exchanges(asker=run.node, role="hive", node=node, method="GET", path=LIST, status=200)
    since = [one for one in asked if one.asked_at_us >= run.started_at_us]
    assert since, f"for {run} the hive of {node} was not asked for its workers"
    return [(worker["id"], worker["state"]) for worker in since[-1].answered["workers"]]


def expect_followed(evidence: Evidence, node: str, text: str) -> None:
    """While the user's program ran, a program on `node` logged the lines of `text`, in this order; each was on stdout
    of the user's in that moment."""
    run = evidence.run()
    logged = logs.lines(evidence, node)
    printed = logs.lines(evidence, run.node, pid=run.pid, stream="stdout")
    expect.in_order("what the user read", [line for _, line in printed], text.splitlines())
    for wanted in text.splitlines():
        logged_us = next((at_us for at_us, line in logged if line == wanted and at_us >= run.started_at_us), None)
        printed_us = next(at_us for at_us, line in printed if line == wanted)
        assert logged_us is not None, f"nobody on {node} logged {wanted!r} while the user's program ran"
        expect.period(f"from the log to the user: {wanted}", printed_us - logged_us, 0, real=evidence.real)
