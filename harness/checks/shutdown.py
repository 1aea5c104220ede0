"""What Then steps want to see of workers that are told to end, and of the hive that does it. Every function raises
AssertionError with what was seen."""

from __future__ import annotations

from harness import expect
from harness.checks import hive_list, logs, one_worker
from harness.evidence import Evidence, made_up
from harness.evidence.exchanges import Exchange

HIVE = "rbee-hive"
SHUTDOWN = "/v1/admin/shutdown"


def request(evidence: Evidence, worker_id: str) -> Exchange:
    """The shutdown request that this worker got; it got exactly one."""
    asked = one_worker.asked(evidence, worker_id, "POST", SHUTDOWN)
    expect.equal(f"how often {worker_id} was asked to shut down", len(asked), 1)
    return asked[0]


def expect_idle_limit(evidence: Evidence, worker_id: str, minutes: int) -> None:
    """The hive of the worker asked it to shut down exactly `minutes` minutes after it had told that it is idle."""
    asked = request(evidence, worker_id)
    expect.equal("who asked", asked.asker, asked.node)
    told = evidence.exchanges(node=asked.node, role="hive", method="POST", path="/v1/workers/state", status=200)
    own = [one for one in told if one.said["worker_id"] == worker_id and one.number < asked.number]
    states = [one.said["state"] for one in own]
    assert states[-1:] == ["idle"], f"{worker_id} was not idle when it was asked to shut down; its states were {states}"
    waited_us = asked.asked_at_us - own[-1].asked_at_us
    expect.delay(f"how long {worker_id} was idle", waited_us, minutes * 60_000_000, real=evidence.real)


def expect_unloaded(evidence: Evidence, worker_id: str, after_s: int) -> None:
    """After the shutdown request the model of the worker was unloaded, as it logged `after_s` seconds later."""
    asked = request(evidence, worker_id)
    at_us = _logged(evidence, asked, "[model-loader] 🧹 Model unloaded")[0]
    expect.delay(f"the unloading of {worker_id}", at_us - asked.asked_at_us, after_s * 1_000_000, real=evidence.real)


def expect_ended(evidence: Evidence, worker_id: str, code: int, after_s: int) -> None:
    """The worker's process is gone; its parent, the hive, logged that it ended with `code` (negative: a signal),
    `after_s` seconds after the shutdown request."""
    asked = request(evidence, worker_id)
    at_us, line = _logged(evidence, asked, f"worker {worker_id} exited with code ")
    expect.equal(f"the exit code of {worker_id}", line.rpartition(" ")[2], str(code))
    expect.period(f"the end of {worker_id}", at_us - asked.asked_at_us, after_s * 1_000_000, real=evidence.real)
    one_worker.expect_gone(evidence, worker_id)


def _logged(evidence: Evidence, asked: Exchange, text: str) -> tuple[int, str]:
    """The first line with this text that was logged on the worker's node after the request, and its time."""
    assert asked.node is not None
    lines = [(at_us, line) for at_us, line in logs.lines(evidence, asked.node) if at_us >= asked.asked_at_us]
    shown = "\n  ".join(line for _, line in lines) or "nothing"
    found = next(((at_us, line) for at_us, line in lines if text in line), None)
    assert found is not None, f"nobody on {asked.node} logged {text!r} after {asked}; logged was\n  {shown}"
    return found


def expect_replaced(evidence: Evidence, node: str, old_id: str, new_id: str) -> None:
    """The hive of `node` listed exactly one worker, the new one, at the address and on the device of the old one, of
    which no process is left: nothing of what it had is taken any more."""
    one_worker.expect_gone(evidence, old_id)
    old = one_worker.started(evidence, old_id).answered
    listed = [(entry["id"], entry["url"], entry["device"]) for entry in hive_list.last_list(evidence, node)]
    expect.equal("the workers that the hive lists", listed, [(new_id, old["url"], old["device"])])


def expect_hive_ended(evidence: Evidence, node: str, code: int) -> None:
    """The hive that the operator started on `node` ended with `code`, as the world saw it, in the moment in which it
    logged the end of the last of its workers. No hive and no worker is left there."""
    run = evidence.run(HIVE)
    expect.equal("where the operator started a hive", run.node, node)
    expect.equal("the exit code of the hive", evidence.exit_code(HIVE), code)
    ends_us = [at_us for at_us, line in logs.lines(evidence, node) if " exited with code " in line]
    assert ends_us, f"the hive of {node} logged no end of a worker"
    assert run.ended_at_us is not None
    expect.delay("the end of the hive", run.ended_at_us - max(ends_us), 0, real=evidence.real)
    left = [*evidence.processes(HIVE, node), *evidence.processes(one_worker.WORKER, node)]
    evidence.none(f"hive or worker on {node}", left, made_up.process(HIVE, node))


def expect_cascade(evidence: Evidence, log: str, code: int, after_s: int) -> None:
    """SIGTERM reached the hive on the user's node, which asked its one worker to shut down; `after_s` seconds later
    that had ended with `code`, and so had the user's program. The hive's log there says so."""
    asked = evidence.exchanges(asker="blep", role="worker", method="POST", path=SHUTDOWN)
    expect.equal("how many shutdown requests there were", len(asked), 1)
    evidence.exit_code()
    ended_us = evidence.run().ended_at_us
    assert ended_us is not None
    expect.delay("the end", ended_us - asked[0].asked_at_us, after_s * 1_000_000, real=evidence.real)
    spawned = evidence.exchange(role="hive", method="POST", path="/v1/workers/spawn", status=200)
    worker_id = spawned.answered["worker_id"]
    wanted = [
        "rbee-hive: Received SIGINT/SIGTERM, shutting down",
        f"rbee-hive: Sending shutdown to worker {worker_id}",
        f"rbee-hive: worker {worker_id} exited with code {code}",
    ]
    said = [logs.STAMP.sub("", line) for line in evidence.file("blep", log).read_text().splitlines()]
    expect.in_order(f"what {log} says", said, wanted)
