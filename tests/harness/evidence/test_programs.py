"""Runs of programs from what the world told."""

from __future__ import annotations

from typing import Any

from harness.evidence import programs

STARTED: dict[str, Any] = {
    "event": "started",
    "at_us": 1,
    "program": "rbee-keeper",
    "node": "blep",
    "pid": 7,
    "argv": ["rbee-keeper"],
}


def _output(stream: str, text: str, at_us: int = 2) -> dict[str, Any]:
    return {**STARTED, "event": "output", "at_us": at_us, "stream": stream, "text": text}


def test_streams_are_kept_apart_and_whole() -> None:
    told = [STARTED, _output("stdout", "a"), _output("stderr", "b"), _output("stdout", "c")]

    (run,) = programs.fold(told)

    assert (run.printed("stdout"), run.printed("stderr")) == ("ac", "b")


def test_pieces_have_the_times_of_their_arrival() -> None:
    (run,) = programs.fold([STARTED, _output("stdout", "a", at_us=5)])

    assert run.pieces == [(5, "stdout", "a")]


def test_a_run_that_goes_on_has_no_exit_code() -> None:
    (run,) = programs.fold([STARTED])

    assert run.exit_code is None


def test_a_signal_is_reported_as_a_shell_does() -> None:
    (run,) = programs.fold([STARTED, {**STARTED, "event": "exited", "at_us": 9, "code": -2}])

    assert (run.exit_code, run.ended_at_us) == (130, 9)


def test_a_second_run_under_the_same_pid_is_another_one() -> None:
    first_end = {**STARTED, "event": "exited", "at_us": 2, "code": 0}

    runs = programs.fold([STARTED, first_end, STARTED])

    assert [run.exit_code for run in runs] == [0, None]
