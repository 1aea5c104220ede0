"""What Then steps want to see of a hive that looks after the health of its workers. Every function raises
AssertionError with what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from harness import expect
from harness.checks import hive_list, one_worker
from harness.evidence import Evidence
from harness.evidence.exchanges import Exchange

HEALTH = {True: "healthy", False: "unhealthy"}


def checks(evidence: Evidence, worker_id: str) -> list[Exchange]:
    """The questions of its hive for the health of this worker, in order; at least one."""
    asked = one_worker.asked(evidence, worker_id, "GET", "/v1/health")
    own = [one for one in asked if one.asker == one.node]
    assert own, f"its hive did not ask {worker_id} for its health; seen: {', '.join(map(str, evidence.exchanges()))}"
    return own


def expect_checked(evidence: Evidence, worker_id: str, every_s: int, count: int) -> None:
    """The hive asked the worker for its health exactly `count` times, `every_s` seconds apart; it answered each
    time."""
    asked = checks(evidence, worker_id)
    expect.equal("how the checks were answered", [one.status for one in asked], [200] * count)
    _expect_apart(evidence, asked, every_s)


def expect_sign_of_life(evidence: Evidence, node: str, worker_id: str) -> None:
    """The hive of `node` asked the worker once for its health, and listed the moment of the answer as its last
    activity."""
    asked = checks(evidence, worker_id)
    expect.equal("how the checks were answered", [one.status for one in asked], [200])
    assert asked[0].ended_at_us is not None, f"{asked[0]} has not ended"
    listed = hive_list.entry(evidence, node, worker_id)["last_activity"]
    listed_us = listed["secs_since_epoch"] * 1_000_000 + listed["nanos_since_epoch"] // 1000
    answered_us = evidence.epoch_us + asked[0].ended_at_us
    expect.period(
        f"from the answer of {worker_id} to its last activity", listed_us - answered_us, 0, real=evidence.real
    )


def expect_listed_as(evidence: Evidence, node: str, worker_id: str, health: str) -> None:
    """When the operator asked last, the hive of `node` listed the worker as `healthy` or `unhealthy`."""
    entry = hive_list.entry(evidence, node, worker_id)
    expect.equal(f"the health of {worker_id} in the hive's list", HEALTH.get(entry["healthy"]), health)


def expect_removed(evidence: Evidence, worker_id: str, count: int, every_s: int, limit_s: int) -> None:
    """The last `count` checks of the worker, and only these, had no answer. They were made `every_s` seconds apart,
    each given up after `limit_s` seconds. With the last of them the worker's process was ended."""
    asked = checks(evidence, worker_id)
    statuses = [one.status for one in asked]
    answered = len(statuses) - count
    expect.equal("how the checks were answered", statuses, [200] * answered + [None] * count)
    misses = asked[answered:]
    _expect_apart(evidence, misses, every_s)
    for miss in misses:
        assert miss.ended_at_us is not None, f"{miss} has not been given up"
        waited_us = miss.ended_at_us - miss.asked_at_us
        expect.period(f"the limit of {miss}", waited_us, limit_s * 1_000_000, real=evidence.real)
    one_worker.expect_gone(evidence, worker_id)


def _expect_apart(evidence: Evidence, asked: Sequence[Exchange], every_s: int) -> None:
    for one, other in pairwise(asked):
        expect.period(f"before {other}", other.asked_at_us - one.asked_at_us, every_s * 1_000_000, real=evidence.real)
