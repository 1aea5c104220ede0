"""Who did what wrong, by rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.story.facts import Facts, Failing
from harness.story.finding import Finding
from harness.story.rules import find
from tests.harness import told

Event = dict[str, Any]
EXIT = {"what": "the exit code", "subjects": [{"program": "rbee-keeper"}]}


def by(program: str, events: Sequence[Event]) -> list[Event]:
    """These events, with the program that asked."""
    return [event | {"program": program, "pid": 7} if event["event"] == "asked" else event for event in events]


def found(*events: Event, **failing: Any) -> Finding:
    """What is found of a scenario of these events, whose step failed so."""
    return find(Facts(events, Failing(9, "Then it is so", **failing)))


def test_a_daemon_that_ends_by_itself_has_died() -> None:
    queen = {"program": "queen-rbee", "node": "blep", "pid": 3, "at_us": 0}
    started = {"event": "started", **queen, "argv": ["queen-rbee"]}

    finding = found(started, {"event": "exited", **queen, "code": -11})

    assert (finding.culprit, finding.kind, finding.place) == ("queen-rbee", "died", "killed by SIGSEGV")


def test_what_the_scenario_has_killed_has_not_died() -> None:
    queen = {"program": "queen-rbee", "node": "blep", "pid": 3, "at_us": 0}
    started = {"event": "started", **queen, "argv": ["queen-rbee"]}
    signaled = {"event": "fault", "fault": None, "kind": "signal", "pid": 3, "signal": "SIGKILL", "at_us": 0}

    assert found(started, signaled, {"event": "exited", **queen, "code": -9}).culprit == "unknown"


def test_of_exchanges_that_failed_the_one_farthest_down_counts() -> None:
    task = by("rbee-keeper", told.task({"type": "error", "code": "WORKER_FAILED"}))
    spawn = by("queen-rbee", told.exchange("hive", "POST /v1/workers/spawn", {"error": "no"}, status=500))

    finding = found(task[0], *spawn, *task[1:], **EXIT, wanted="0", seen="1")

    assert (finding.culprit, finding.kind) == ("rbee-hive", "failed")
    assert finding.headline == "rbee-hive answered 500 to queen-rbee's POST /v1/workers/spawn"


def test_a_failure_that_the_sentences_name_is_meant() -> None:
    busy = by("queen-rbee", told.exchange("worker", "POST /v1/inference", {}, status=503))

    finding = found(*busy, said="the request was answered with 503", **EXIT, wanted="1", seen="0")

    assert finding.kind != "failed"


def test_a_keeper_that_hides_an_error_ends_wrongly() -> None:
    task = by("rbee-keeper", told.task({"type": "error", "code": "NO"}))

    assert found(*task, said="the exit code is 1", **EXIT, wanted="1", seen="0").culprit == "rbee-keeper"


def test_an_error_that_nobody_told_the_keeper_is_not_the_keepers() -> None:
    assert (
        found(*by("rbee-keeper", told.task()), said="exit code 1", **EXIT, wanted="1", seen="0").culprit == "queen-rbee"
    )


def test_tokens_that_the_queen_has_not_passed_on() -> None:
    task = by("rbee-keeper", told.task())
    inference = by("queen-rbee", told.exchange("worker", "POST /v1/inference", stream=({"type": "token", "t": "a"},)))
    for event in inference:
        event["headers"] = {"content-type": "text/event-stream"} if event["event"] == "answered" else {}

    finding = found(task[0], *inference, *task[1:])

    assert finding.headline == "queen-rbee passed on 0 tokens of the 1 that llm-worker-rbee made"


def test_whoever_should_have_asked_is_named() -> None:
    subject = {"exchanges": [], "role": "hive", "method": "POST", "path": "/v1/workers/ready"}

    finding = found(what="an exchange", never=True, subjects=[subject])

    assert (finding.culprit, finding.kind) == ("llm-worker-rbee", "never came")


def test_a_row_is_its_owners() -> None:
    assert found(what="the row", subjects=[{"rows": "~/.rbee/models.db", "node": "x"}]).culprit == "rbee-hive"
