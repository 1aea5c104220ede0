"""The first difference, as a finding."""

from __future__ import annotations

from typing import Any

import pytest

from harness.trace.blame import difference, sentence
from harness.trace.compare import CAME, DIFFERS, NEVER_CAME, Difference
from harness.trace.normal import Thing, trace
from tests.harness import told

STEP = {"event": "step", "at_us": 0, "line": 5, "kind": "when"}


def by_queen(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """These events, the requests among them the queen's."""
    asks = {"program": "queen-rbee", "pid": 3}
    return [STEP, *(event | asks if event["event"] == "asked" else event for event in events)]


def found(red: list[dict[str, Any]], green: list[dict[str, Any]]) -> dict[str, Any]:
    """The first difference between what happened and a green run."""
    told = difference(red, "/stage", trace(green, "/stage", real=False), 5, real=False)
    assert told is not None
    return told


def test_who_answers_otherwise_is_named_with_what_changed() -> None:
    green = by_queen(*told.exchange("hive", "GET /v1/health", {"version": "0.1.0"}))
    red = by_queen(*told.exchange("hive", "GET /v1/health", {"version": "0.0.9"}))

    finding = found(red, green)

    assert finding["culprit"] == "rbee-hive"
    assert finding["headline"] == (
        'rbee-hive answered queen-rbee\'s GET /v1/health on workstation: version "0.0.9" instead of "0.1.0"'
    )
    assert finding["place"] == "end body"


def test_who_does_not_ask_is_named() -> None:
    finding = found(by_queen(), by_queen(*told.exchange("worker", "POST /v1/inference", {})))

    assert (finding["culprit"], finding["kind"]) == ("queen-rbee", "never came")
    assert finding["headline"] == "queen-rbee never asked llm-worker-rbee POST /v1/inference on workstation"


def test_who_asks_too_late_is_named_with_the_delay() -> None:
    exchange = told.exchange("worker", "POST /v1/inference", {})

    finding = found(by_queen(*told.later(200_000, exchange)), by_queen(*exchange))

    assert finding["headline"].endswith("POST /v1/inference on workstation 0.2 s later than in a green run")


def test_without_a_difference_there_is_none() -> None:
    events = by_queen(*told.exchange("hive", "GET /v1/health", {}))

    assert difference(events, "/stage", trace(events, "/stage", real=False), 5, real=False) is None


@pytest.mark.parametrize(
    ("channel", "wanted", "seen", "headline"),
    [
        ("p on blep, stdout", "a", "b", "p printed to stdout: b instead of a"),
        ("p on blep, stderr", None, "b", "p printed to stderr, as in no green run: b"),
        ("p on blep, end", "0", "3", "p ended with exit code 3 instead of 0"),
        ("files on blep", "~/x 644", None, "p never left a file on blep: ~/x 644"),
        ("rows of beehives on blep", '{"status": "a"}', '{"status": null}',
         'p left a row in beehives on blep: status nothing instead of "a"'),
        ("start of q", "q --device 1 --port 1", "q --device 0 --port 1", "p started q: --device 0 instead of 1"),
        ("ssh to blep", "true", "false", "p ran by ssh to blep: false instead of true"),
        ("p → ssh blep CONNECT / on blep: request", "{}", None, "p never connected to blep by ssh"),
        ("p → q GET / on blep: request", '{"body": {"a": 1}}', '{"body": {"a": 2}}',
         "p asked q GET / on blep with a 2 instead of 1"),
        ("q → p GET / on blep: stream", "[DONE]", None, "p never told q in answer to GET / on blep: [DONE]"),
        ("q → p GET / on blep: stream", '{"type": "token", "t": "a"}', '{"type": "error", "code": "B"}',
         "p told q in answer to GET / on blep: error B instead of token a"),
        ("q → p GET / on blep: answer", '{"status": 200, "headers": {}}', '{"status": 500, "headers": {}}',
         "p answered 500 instead of 200 to q's GET / on blep"),
        ("q → p GET / on blep: end", '{"how": "complete", "body": {"nodes": [1, 2]}}',
         '{"how": "complete", "body": {"nodes": [1]}}', "p answered q's GET / on blep: 1 nodes instead of 2"),
        ("p → q GET / on blep: end", None, '{"how": "left", "body": null}',
         "p gave up q GET / on blep, as in no green run"),
    ],
)  # fmt: skip
def test_headlines_say_what_was_done(channel: str, wanted: str | None, seen: str | None, headline: str) -> None:
    one, other = (None if what is None else Thing(1, channel, 0, what, "p") for what in (wanted, seen))
    kind = NEVER_CAME if other is None else CAME if one is None else DIFFERS

    assert sentence(Difference(kind, one, other)) == headline


def test_when_something_was_left_behind_nobody_knows() -> None:
    row = {"event": "snapshot", "at_us": 5, "nodes": {"blep": {"rows": {"beehives": [{"a": 1}]}, "files": []}}}
    none = {"event": "snapshot", "at_us": 5, "nodes": {"blep": {"rows": {"beehives": []}, "files": []}}}

    assert found([STEP, none], [STEP, row])["at_s"] is None


def test_who_says_how_another_has_ended_has_not_ended_so() -> None:
    hive = {"event": "output", "program": "rbee-hive", "node": "workstation", "pid": 4, "stream": "stdout", "at_us": 0}
    red, green = ({**hive, "text": f"rbee-hive: worker worker-1 exited with code {code}\n"} for code in (3, 0))

    finding = found([STEP, red], [STEP, green])

    assert finding["culprit"] == "llm-worker-rbee"
    assert finding["headline"] == "llm-worker-rbee ended with exit code 3 instead of 0, as rbee-hive says"
