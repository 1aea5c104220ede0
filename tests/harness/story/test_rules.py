"""Who did what wrong, by rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

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


def open_ended(events: Sequence[Event]) -> list[Event]:
    """These events of an exchange, without its answer and its end."""
    return [event for event in events if event["event"] == "asked"]


def given_up(events: Sequence[Event]) -> list[Event]:
    """These events of an exchange, which its asker has left without an answer."""
    return [*open_ended(events), {**events[-1], "how": "left", "body": None, "size": 0}]


def test_who_was_asked_last_and_has_not_answered_lets_all_wait() -> None:
    task = by("rbee-keeper", open_ended(told.task()))
    spawn = by("queen-rbee", open_ended(told.exchange("hive", "POST /v1/workers/spawn")))

    finding = found(*task, *spawn, kind="when", error="waited 60 s")

    assert finding.headline == "rbee-hive did not answer queen-rbee's POST /v1/workers/spawn"


def test_a_queen_that_never_answers_is_named_before_the_first_step() -> None:
    health = given_up(told.exchange("queen", "GET /health", node="blep", asker="operator"))

    finding = find(Facts(health, Failing(None, "before its first step", error="nobody answers")))

    assert finding.headline == "queen-rbee did not answer the scenario's GET /health"


def test_a_program_that_does_not_listen_is_named_with_its_place() -> None:
    health = told.exchange("queen", "GET /health", node="blep", asker="operator")
    refused = [*open_ended(health), {**health[-1], "how": "refused", "body": None, "size": 0}]

    finding = find(Facts(refused, Failing(None, "before its first step", error="nobody answers")))

    assert finding.headline == "queen-rbee does not listen at blep:8080, where the scenario asks it"


def test_an_answer_that_was_given_up_is_a_failure() -> None:
    task = by("rbee-keeper", given_up(told.task()))

    finding = found(*task, what="the hops", never=True)

    assert finding.headline == "queen-rbee did not answer rbee-keeper's POST /v2/tasks, which was given up"


def test_who_puts_an_answer_into_words_has_put_it_wrongly() -> None:
    removed = by("rbee-keeper", told.exchange("queen", "POST /v2/registry/beehives/remove", {"ok": True}, node="blep"))
    line = "[queen-rbee] ✅ Node 'x' removed"

    printed = [{"program": "rbee-keeper"}]
    finding = found(*removed, what="stdout", wanted=line, seen="gone", subjects=printed)

    assert finding.culprit == "rbee-keeper"


def test_words_of_the_answer_are_hers_who_answered() -> None:
    refused = told.exchange("queen", "POST /v2/tasks", {"error": {"message": "nope"}}, status=400, node="blep")
    line = "[queen-rbee] ❌ no such node"

    printed = [{"program": "rbee-keeper"}]
    finding = found(
        *by("rbee-keeper", refused),
        what="stdout",
        wanted=line,
        seen="[queen-rbee] nope",
        subjects=printed,
        said="status 400, exit code 1",
    )

    assert finding.culprit == "queen-rbee"


def test_short_values_stand_in_the_headline() -> None:
    subject = {"exchanges": [], "role": "hive", "method": "POST", "path": "/v1/workers/ready"}

    finding = found(what="how many there were", wanted="3", seen="4", subjects=[subject])

    assert finding.headline == "llm-worker-rbee: how many there were is 4, not 3"


def test_who_asks_too_often_is_named_with_whom_he_asked() -> None:
    asked = by("queen-rbee", told.exchange("hive", "GET /v1/health", {}))
    subject = {"exchanges": [asked[0]["exchange"]]}

    finding = found(*asked, what="how many there were", wanted="3", seen="4", subjects=[subject])

    assert finding.headline == "queen-rbee asked rbee-hive GET /v1/health 4 times, not 3"


def test_processes_are_told_by_their_programs() -> None:
    process = "pid 7 on workstation.home.arpa: /usr/bin/python /x/rbee-hive daemon"

    finding = found(what=f"ports of {process}", wanted="1", seen="2", subjects=[{"processes": "rbee-hive"}])

    assert finding.headline == "queen-rbee: ports of rbee-hive on workstation.home.arpa is 2, not 1"


@pytest.mark.parametrize("how", ["complete", "left"])
def test_who_goes_behind_the_end_mark_was_told_all(how: str) -> None:
    token = {"type": "token", "t": "a"}
    task = by("rbee-keeper", told.task(token))
    inference = by("queen-rbee", told.exchange("worker", "POST /v1/inference", stream=(token,)))
    for event in (task[-1], inference[-1]):
        event["how"] = how

    finding = found(*told.keeper(), task[0], *inference, *task[1:])

    assert finding.headline == "rbee-keeper did not print the 1 tokens that queen-rbee passed on"


def test_what_was_installed_and_cannot_be_started_is_not_its_own_fault() -> None:
    finding = found(error="harness.link.WorldError: [Errno 13] Permission denied: '/x/.local/bin/rbee-hive'")

    assert finding.headline == "rbee-keeper has installed a rbee-hive that cannot be started: Permission denied"
