"""How a Then step is held against evidence: until it holds or nothing can come any more, and so that whatever it finds
there makes it fail, and never break."""

from __future__ import annotations

import functools
import linecache
import sqlite3
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from harness.evidence import LOOK_S, Evidence
from harness.evidence.exchanges import Exchange
from harness.expect import short

BREAKS = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, psutil.Error, sqlite3.Error)
"""What a check breaks with when an answer, a row or a file has another shape than it thought, or is gone by now."""
VALUE_CHARACTERS = 600  # of each value in a failure
EVIDENCE = str(Path(__file__).parent)
EXPECT = str(Path(__file__).parents[1] / "expect.py")
HARNESS = str(Path(__file__).parents[1])


def hold(evidence: Evidence, check: Callable[[], None]) -> None:
    """Call `check`, which reads `evidence`, when nobody on the stage works any more, so that what must not be there is
    looked for after everything that could still come. One that fails is called again, until what it awaits has come or
    `evidence.wait_s` seconds of real time have passed.

    Raises AssertionError when it does not hold, also where it broke on what it found; whatever else it raises."""
    until_s = time.monotonic() + evidence.wait_s
    absences, in_vain = len(evidence.absences), len(evidence.in_vain)
    while True:
        evidence.rest(max(0.0, until_s - time.monotonic()))
        try:
            _call(check)
            return
        except AssertionError as error:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                error.args = (short(str(error)),)
                raise
        del evidence.absences[absences:], evidence.in_vain[in_vain:]
        evidence.pump(min(left_s, LOOK_S))


def _call(check: Callable[[], None]) -> None:
    try:
        check()
    except BREAKS as error:
        raise AssertionError(_said(error)) from error


def _said(error: Exception) -> str:
    """What a check broke with, where, and what it had found."""
    breaking = f"what was found is not what it looks for: {type(error).__name__}: {error}"
    frames = list(_frames(error))
    if not frames:
        return breaking
    frame, line = frames[-1]
    file = frame.f_code.co_filename
    found = [f"  {name} = {_shown(value)}" for name, value in frame.f_locals.items() if _tells(value)]
    source = linecache.getline(file, line).strip()
    return "\n".join([breaking, f"at {Path(file).name}:{line}: {source}", "there was:", *(found or ["  nothing"])])


def _frames(error: Exception) -> Iterator[tuple[types.FrameType, int]]:
    """The frames of the check itself, outermost first: not those of the evidence that it asks, nor of a library."""
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        is_ours = file.startswith(HARNESS) or "/steps/" in file
        if is_ours and not file.startswith(EVIDENCE) and file != EXPECT:
            yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def _tells(value: Any) -> bool:
    """Whether a value of a check tells what it has found: data, and not what it reads or calls."""
    return isinstance(value, str | int | float | list | tuple | dict | set | Exchange | None)


@functools.singledispatch
def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= VALUE_CHARACTERS else f"{text[:VALUE_CHARACTERS]}…"


@_shown.register
def _(value: list) -> str:  # type: ignore[type-arg]
    return f"[{', '.join(map(_shown, value[-3:]))}]"


@_shown.register
def _(value: Exchange) -> str:
    return f"{value}, asked with {_shown(value.body)}, answered with {_shown(value.answer_body)}"
