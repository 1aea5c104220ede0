"""Reading an event log."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report import log
from harness.runner.events import Event, EventLog


def test_what_was_emitted_is_read(tmp_path: Path) -> None:
    heard: list[Event] = []
    events = EventLog(tmp_path / "events.jsonl", [heard.append])

    events.emit("note", text="two\nlines and \udc80")
    events.emit("note", text="more")
    events.close()

    assert list(log.read(tmp_path / "events.jsonl")) == heard
    assert [event["text"] for event in heard] == ["two\nlines and \udc80", "more"]
    assert heard[0]["at_s"] <= heard[1]["at_s"]


@pytest.mark.parametrize("length", [0, 5, 15, 16, 17, 31, 32])
def test_log_that_is_cut_off_gives_its_whole_lines(tmp_path: Path, length: int) -> None:
    whole = '{"event": "aa"}\n' * 2
    path = tmp_path / "events.jsonl"
    path.write_text(whole[:length])

    assert list(log.read(path)) == [{"event": "aa"}] * (length // 16)
