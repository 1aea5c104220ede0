"""What Then steps want to see of processes that live on, of whose children they are, and of those that are gone. Every
function raises AssertionError with what was seen."""

from __future__ import annotations

from harness import expect
from harness.checks import hive_list, one_worker
from harness.evidence import Evidence, made_up
from harness.evidence.processes import Living

HIVE = "rbee-hive"
DAEMONS = ("queen-rbee", HIVE, one_worker.WORKER)


def daemons(evidence: Evidence) -> list[Living]:
    """The queens, hives and workers that live, on all nodes."""
    return [one for program in DAEMONS for one in evidence.processes(program)]


def expect_hive(evidence: Evidence, node: str) -> None:
    """The hive that the operator started on `node` lives, and is the only one on any node."""
    run = evidence.run(HIVE)
    expect.equal("where the operator started a hive", run.node, node)
    expect.equal("the hives that live", [one.pid for one in evidence.processes(HIVE)], [run.pid])


def expect_worker(evidence: Evidence, node: str, worker_id: str, state: str) -> None:
    """The process that the hive of `node` started as this worker lives, as the hive's child, and is the only worker
    there: its command line has the key that the hive made for it then. The hive listed it in this state when the
    operator asked last."""
    workers = evidence.processes(one_worker.WORKER, node)
    expect.equal(f"the workers that live on {node}", [one.option("--worker-id") for one in workers], [worker_id])
    key = one_worker.started(evidence, worker_id).answered["api_key"]
    expect.equal(f"whether {worker_id} has the key of its start", workers[0].option("--api-key") == key, True)
    is_child = workers[0].parent == evidence.process(HIVE, node).pid
    expect.equal(f"whether {worker_id} is a child of its hive", is_child, True)
    expect.equal(f"the state of {worker_id}", hive_list.entry(evidence, node, worker_id)["state"], state)


def expect_called_back(evidence: Evidence, worker_ids: list[str], status: int) -> None:
    """Each of these workers made its hive one ready callback, which was answered with this status."""
    for worker_id in worker_ids:
        node = one_worker.started(evidence, worker_id).node
        called = evidence.exchanges(asker=node, node=node, role="hive", method="POST", path="/v1/workers/ready")
        own = [one.status for one in called if one.said["worker_id"] == worker_id]
        expect.equal(f"how the hive answered the callbacks of {worker_id}", own, [status])


def expect_children(evidence: Evidence, parent: str, *children: str) -> None:
    """One process of each program in `children` lives, as a child of the one process of the program `parent`."""
    parents = {one.pid for one in evidence.processes(parent)}
    expect.equal(f"how many processes of {parent} live", len(parents), 1)
    for program in children:
        living = evidence.processes(program)
        expect.equal(f"how many processes of {program} live", len(living), 1)
        expect.equal(f"whether {program} is a child of {parent}", living[0].parent in parents, True)


def expect_nobody_left(evidence: Evidence) -> None:
    """The user's program has ended, and no queen, hive or worker lives."""
    evidence.exit_code()
    evidence.none("queen, hive or worker", daemons(evidence), made_up.process(one_worker.WORKER, "blep"))
