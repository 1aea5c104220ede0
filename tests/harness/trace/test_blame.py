"""The first difference, as a finding."""

from __future__ import annotations

from typing import Any

from harness.trace.blame import difference
from harness.trace.normal import trace
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
        "rbee-hive told another end of an answer to queen-rbee's GET /v1/health on workstation: "
        'version "0.0.9" instead of "0.1.0"'
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
