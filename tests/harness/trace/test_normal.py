"""What of a run is the same in every run."""

from __future__ import annotations

from typing import Any

import pytest

from harness.trace.normal import NO_INSTANT, Thing, trace
from tests.harness import told

DIRECTORY = "/run/7/stage"
HIVE = {"event": "output", "program": "rbee-hive", "node": "workstation", "pid": 9, "stream": "stdout"}
SAME = [
    ("/run/7/stage/blep/home/.rbee/x", "~/.rbee/x"),
    ("/run/7/stage/blep/root/models/m", "/models/m"),
    ("listening on 127.3.4.1:8080", "listening on <address>:8080"),
    ("task 98fbaeab-cfeb-496a-894f-7dc690a5a24a", "task <id>"),
    ("worker-98fbaeab started, process 4711", "worker-<id> started, process <pid>"),
    ("@ 367.0 MB/s", "@ <speed>"),
    ("saved to /tmp/rbee-partial-1a2b3c.txt", "saved to /tmp/rbee-partial-<id>.txt"),
]


def said(text: str, at_us: int = 0) -> dict[str, Any]:
    """A piece that the hive printed."""
    return {**HIVE, "text": text, "at_us": at_us}


def traced(*events: dict[str, Any], real: bool = False) -> list[Thing]:
    """The trace of these events."""
    return trace(events, DIRECTORY, real=real)


@pytest.mark.parametrize(("text", "alike"), SAME)
def test_what_differs_from_run_to_run_is_written_alike(text: str, alike: str) -> None:
    assert [thing.what for thing in traced(said(f"{text}\n"))] == [alike]


def test_how_a_text_was_cut_into_pieces_tells_nothing() -> None:
    assert traced(said("one\ntw"), said("o\n")) == traced(said("one\n"), said("two\n"))


def test_what_is_said_at_another_instant_is_another_thing() -> None:
    assert [thing.at_us for thing in traced(said("one", 1), said("two\n", 2))] == [1, 2]


def test_a_line_of_a_worker_in_its_hives_pipe_is_the_workers() -> None:
    lines = "[rbee-hive] a\n[model-loader] b\n2024-10-09T21:16:43.0Z  INFO llm-worker-rbee[w]: c\n"

    assert [thing.speaker for thing in traced(said(lines))] == ["rbee-hive", "llm-worker-rbee", "llm-worker-rbee"]


def test_the_order_of_members_the_date_and_speeds_tell_nothing() -> None:
    one = told.exchange("hive", "POST /v1/x", {"a": 1, "b": 2, "speed_mbps": 3}, asker="blep")
    other = told.exchange("hive", "POST /v1/x", {"b": 2, "a": 1, "speed_mbps": 4}, asker="blep")
    one[1]["headers"], other[1]["headers"] = {"date": "Fri"}, {"date": "Sat"}

    assert [thing.key for thing in traced(*one)] == [thing.key for thing in traced(*other)]


def test_what_happens_while_the_stage_closes_is_no_part_of_it() -> None:
    assert traced({"event": "closing", "at_us": 0}, said("one\n")) == []


def test_in_real_time_there_are_no_instants_and_no_figures() -> None:
    [thing] = traced(said("took 5.2 s\n", 7), real=True)

    assert (thing.at_us, thing.what) == (NO_INSTANT, "took # s")


def test_who_was_interrupted_may_or_may_not_hear_the_end() -> None:
    task = [event | {"program": "rbee-keeper", "pid": 7} for event in told.task({"type": "token", "t": "a"})]
    signaled = {"event": "fault", "fault": None, "kind": "signal", "pid": 7, "at_us": 0}

    assert [thing.channel.rpartition(": ")[2] for thing in traced(signaled, *task)] == ["request", "answer"]
