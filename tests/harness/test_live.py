"""What happens on a stage, as it is shown live."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from harness import live
from harness.live import Live
from tests.harness import told

KEEPER = {"event": "output", "at_us": 0, "node": "blep", "program": "rbee-keeper", "pid": 7, "stream": "stdout"}
HIVE = {**KEEPER, "node": "workstation", "program": "rbee-hive", "pid": 8}


class Terminal(io.StringIO):
    """A terminal, which can show colors."""

    def isatty(self) -> bool:
        return True


def shown(*events: dict[str, Any], out: io.StringIO | None = None, steps: bool = False) -> str:
    """What is shown of these events."""
    out = out or io.StringIO()
    view = Live(out, Path("/runs/1/stage"), steps=steps)
    for event in events:
        view.show(event)
    return out.getvalue()


def lines(*events: dict[str, Any], **how: Any) -> list[str]:
    """The lines of that, without their times."""
    return [line[13:] for line in shown(*events, **how).splitlines()]


def test_an_exchange_is_a_line_there_and_a_line_back() -> None:
    asked = told.exchange("hive", "GET /v1/workers/list", {"workers": []})

    assert lines(*({**event, "program": "queen-rbee"} for event in asked)) == [
        "queen → hive           GET /v1/workers/list  null",
        'queen ← hive           200  {"workers": []}',
    ]


def test_the_time_stands_where_it_has_moved() -> None:
    pieces = [{**KEEPER, "at_us": at_us, "text": "x\n"} for at_us in (0, 0, 1_500_000)]

    assert [line[:11] for line in shown(*pieces).splitlines()] == ["    0.000 s", " " * 11, "    1.500 s"]


def test_tokens_are_text_as_they_come() -> None:
    out = io.StringIO()
    view = Live(out, Path("/runs/1/stage"))

    view.show({**KEEPER, "text": "write"})
    assert out.getvalue().endswith("blep keeper:           write")
    view.show({**KEEPER, "at_us": 100_000, "text": " a"})

    assert out.getvalue().endswith("blep keeper:           write a")


def test_a_line_that_somebody_interrupts_goes_on_below() -> None:
    pieces = [{**KEEPER, "text": "write"}, {**HIVE, "text": "worker is idle\n"}, {**KEEPER, "text": " a\n"}]

    assert lines(*pieces) == [
        "blep keeper:           write",
        "workstation hive:      worker is idle",
        "blep keeper:            a",
    ]


def test_tokens_of_a_stream_are_counted_where_somebody_prints_them() -> None:
    stream = ({"type": "token", "t": "write"}, {"type": "token", "t": " a"})
    events = told.exchange("worker", "POST /v1/inference", stream=stream)

    *_, last = lines(*({**event, "program": "queen-rbee"} for event in events))
    assert last == "queen ← worker         200, 3 events, 2 tokens  null"


def test_tokens_for_the_scenario_are_text() -> None:
    stream = ({"type": "token", "t": "write"}, {"type": "token", "t": " a"})
    events = told.exchange("worker", "POST /v1/inference", asker="operator", stream=stream)

    assert "the scenario ← worker  write a" in lines(*events)


def test_of_bars_of_one_instant_the_last_one_is_shown() -> None:
    bars = [{**KEEPER, "at_us": at_us, "text": f"Loading... [{bar}] x\n"} for at_us, bar in ((0, "█-"), (0, "██"))]

    assert lines(*bars, {**KEEPER, "at_us": 1, "text": "done\n"}) == [
        "blep keeper:           Loading... [██] x",
        "blep keeper:           done",
    ]


def test_stderr_is_marked_and_log_lines_lose_their_stamp_but_not_an_alarm() -> None:
    stamped = "2024-10-09T21:16:43.000000Z"
    pieces = [
        {**KEEPER, "stream": "stderr", "text": "no\n"},
        {**HIVE, "text": f"{stamped}  INFO rbee-hive: well\n"},
        {**HIVE, "text": f"{stamped}  WARN rbee-hive: unwell\n"},
    ]

    assert lines(*pieces) == [
        "blep keeper!           no",
        "workstation hive:      rbee-hive: well",
        "workstation hive:      WARN rbee-hive: unwell",
    ]


def test_lines_have_100_columns_at_most_and_ids_are_short() -> None:
    line = shown({**KEEPER, "text": f"{'cee353f2-289f-4594-bb38-f1ad04b7d692'} {'x' * 200}\n"})

    assert "cee353f2… xxx" in line
    assert (len(line.rstrip("\n")), line.rstrip("\n")[-1]) == (live.COLUMNS, "…")


def test_nothing_of_the_stages_folder_and_no_key_is_shown() -> None:
    [line] = lines({**KEEPER, "text": "/runs/1/stage/blep/home/x Bearer key-12345\n"})

    assert line == "blep keeper:           ~/x Bearer •••"


@pytest.mark.parametrize(("forbidden", "colored"), [("", True), ("1", False)])
def test_a_terminal_has_colors_unless_its_user_minds(
    monkeypatch: pytest.MonkeyPatch, forbidden: str, colored: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", forbidden)

    assert ("\x1b[36m" in shown({**KEEPER, "text": "x\n"}, out=Terminal())) is colored
    assert "\x1b" not in shown({**KEEPER, "text": "x \x1b[2J\n"})


def test_steps_are_shown_where_nobody_else_does() -> None:
    step = {"event": "step", "at_us": 0, "line": 951, "text": "When the user runs:", "kind": "when"}

    assert lines(step, steps=True) == ["line 951               When the user runs:"]
    assert lines(step) == []


def test_starts_ends_and_logins_are_told_in_words() -> None:
    at = {"at_us": 0, "node": "blep"}
    argv = ["rbee-keeper", "infer"]

    assert lines(
        {**at, "event": "started", "program": "rbee-keeper", "pid": 7, "argv": argv},
        {**at, "event": "login", "user": "rbee", "granted": False, "key": "k"},
        {**at, "event": "exited", "program": "rbee-keeper", "pid": 7, "code": -9},
    ) == [
        "blep keeper            $ rbee-keeper infer",
        "blep                   user rbee is not let in",
        "blep keeper            was ended by signal 9",
    ]
