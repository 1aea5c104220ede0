"""A Then step is held against evidence until it holds, or until nothing can come any more; and it never breaks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from harness.checks import commands, errors, flow, hive_list, keys, logs, one_worker, shutdown
from harness.evidence import Evidence, made_up
from harness.evidence.holding import BREAKS, hold
from tests.harness import told

WAIT_S = 10.0  # far more than anything here takes
NODE = "workstation"
LINE = {"event": "output", "at_us": 1, "program": "rbee-hive", "node": NODE, "pid": 8, "stream": "stdout"}
SHAPES: tuple[Any, ...] = (
    None,
    [],
    "text",
    7,
    {},
    {"error": "text"},
    {"error": []},
    {"workers": 7},
    {"workers": [7, None]},
)
LIST = "GET /v1/workers/list"


def still_to_come(*events: told.Event, where: str = "pump") -> Evidence:
    """Evidence to which `pump` or `rest` adds these events, one each time."""
    evidence = told.evidence(*told.keeper(), nodes=[NODE])
    coming, known = list(events), list(evidence.events)
    evidence._events = known

    def more(limit_s: float) -> bool:
        known.extend(coming[:1])
        return bool(coming and coming.pop(0))

    evidence.wait_s = WAIT_S
    setattr(evidence, where, more)
    return evidence


def test_what_reads_once_is_awaited() -> None:
    lines = [{**LINE, "text": text} for text in ("one\n", "two\n", "three\n")]

    evidence = still_to_come(*lines)

    hold(evidence, lambda: logs.expect_logged(evidence, NODE, "three"))


def test_what_must_not_come_is_looked_for_when_nobody_works() -> None:
    evidence = still_to_come({"event": "login", "at_us": 1, "node": NODE}, where="rest")
    evidence.wait_s = 0.0

    with pytest.raises(AssertionError, match="there should be no login"):
        hold(evidence, lambda: evidence.none("login", evidence.of_kind("login")))


def test_what_never_comes_is_said_when_the_wait_is_over() -> None:
    evidence = still_to_come()
    evidence.wait_s = 0.05

    with pytest.raises(AssertionError, match="'three' is not in the logs"):
        hold(evidence, lambda: logs.expect_logged(evidence, NODE, "three"))


def test_what_a_try_in_vain_said_to_be_absent_is_forgotten() -> None:
    evidence = still_to_come({**LINE, "text": "three\n"})

    def check() -> None:
        evidence.none("login", evidence.of_kind("login"), made_up.event("login"))
        logs.expect_logged(evidence, NODE, "three")

    hold(evidence, check)

    assert len(evidence.absences) == 1


@pytest.mark.parametrize(
    "error", [*BREAKS, UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no start"), sqlite3.DatabaseError]
)
def test_a_check_that_breaks_is_a_failure(error: Any) -> None:
    def check() -> None:
        raise error

    with pytest.raises(AssertionError, match="what was found is not what it looks for"):
        hold(told.evidence(), check)


def test_what_is_no_matter_of_shape_stays_what_it_is() -> None:
    def check() -> None:
        raise NotImplementedError("a mistake of the step's own")

    with pytest.raises(NotImplementedError):
        hold(told.evidence(), check)


def test_a_failure_says_what_was_there_instead() -> None:
    evidence = told.evidence(*told.exchange("queen", "POST /v2/tasks", {"error": "text"}, status=503, node="blep"))

    with pytest.raises(AssertionError) as failed:
        hold(evidence, lambda: flow.expect_task_refused(evidence, 503, "X"))

    said = str(failed.value)
    assert "TypeError: string indices must be integers" in said
    assert "flow.py:" in said
    assert "503, complete, asked with 'null', answered with '{\"error\": \"text\"}'" in said


def test_a_member_that_is_not_there_is_said_with_those_that_are() -> None:
    evidence = told.evidence(*told.exchange("hive", "POST /v1/workers/spawn", {"other": 1}))

    with pytest.raises(AssertionError, match=r"no worker_id in {'other': 1}"):
        one_worker.started(evidence, "worker-1")


def test_an_answer_that_is_no_object_is_said() -> None:
    evidence = told.evidence(*told.exchange("hive", "POST /v1/workers/spawn", ["odd"]))

    with pytest.raises(AssertionError, match=r"""the answer to .* is no JSON object: '\["odd"\]'"""):
        one_worker.started(evidence, "worker-1")


CHECKS: dict[str, Callable[[Evidence], object]] = {
    "a refused task": lambda seen: flow.expect_task_refused(seen, 503, "X"),
    "a worker's start": partial(one_worker.started, worker_id="worker-1"),
    "a worker's questions": lambda seen: one_worker.asked(seen, "worker-1", "GET", "/v1/health"),
    "a worker's end": lambda seen: shutdown.expect_ended(seen, "worker-1", 0, 2),
    "a hive's list": lambda seen: hive_list.entry(seen, NODE, "worker-1"),
    "what is shown": lambda seen: commands.expect_health_shown(seen, "line", NODE),
    "an error envelope": lambda seen: errors.expect_envelope(seen, NODE, 503, "text"),
    "an error passed on": lambda seen: errors.expect_passed_on(seen, NODE, "X"),
    "a key": lambda seen: keys.expect_shown(seen, NODE, "Bearer x"),
}


@pytest.mark.parametrize("answer", SHAPES, ids=repr)
@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_an_answer_of_another_shape_is_a_failure(check: Callable[[Evidence], object], answer: Any) -> None:
    evidence = told.evidence(
        *told.keeper(),
        *told.task(),
        *told.exchange("queen", "POST /v2/tasks", answer, status=503, node="blep", sent=answer),
        *told.exchange("hive", "POST /v1/workers/spawn", answer, sent=answer),
        *told.exchange("hive", LIST, answer),
        *told.exchange("hive", LIST, answer, asker="operator"),
        nodes=[NODE],
    )

    def held() -> None:
        check(evidence)

    with pytest.raises(AssertionError):
        hold(evidence, held)
