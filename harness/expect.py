"""What Then steps say when what was seen is not what is wanted. Every function raises AssertionError with both."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_CHARACTERS = 1 << 15  # of a failure
COMPARED_LINES = 1000  # of what is so much longer no difference is made out, which would take for ever: it is shown
WORD = re.compile(r"~?/?\w(?:[\w./:@~-]*\w)?")
PLACEHOLDER = re.compile(r"<\w+>")
REAL_SLACK_US = 250_000  # in real time a program also has to run, and to get a processor for it


class Differs(AssertionError):
    """What was seen is not what is wanted. what: of which both are said; wanted, seen: for people to read; never: it
    was awaited, and did not come."""

    def __init__(self, text: str, *, what: str, wanted: str = "", seen: str = "", never: bool = False) -> None:
        super().__init__(short(text))
        self.what, self.wanted, self.seen, self.never = what, short(wanted), short(seen), never


def short(text: str) -> str:
    """A text for people to read; of one that is too long for that its beginning and its end. A program may print
    16 MB."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    half = SHOWN_CHARACTERS // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"


def words(value: object) -> str:
    """A value for people to read: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def equal(what: str, seen: object, wanted: object) -> None:
    """`seen` equals `wanted`."""
    if seen != wanted:
        text = f"{what}: wanted {wanted!r}, seen {seen!r}"
        raise Differs(text, what=what, wanted=words(wanted), seen=words(seen))


def members(what: str, seen: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
    """Each member of `wanted` is in `seen`, with that value as text."""
    for name, value in wanted.items():
        if name not in seen:
            text = f"{what}: no {name} in {dict(seen)!r}"
            raise Differs(text, what=f"{what}, {name}", wanted=value, seen="no such member")
        equal(f"{what}, {name}", as_text(seen[name]), value)


def delay(what: str, seen_us: int, wanted_us: int, *, real: bool) -> None:
    """The time for which somebody waits after he has been told something is exactly `wanted_us` microseconds; in real
    time at least that, since it has been seen before he was told, and at most 250 ms more (docs/design.md, "The
    clock")."""
    most_us = wanted_us + (REAL_SLACK_US if real else 0)
    if not wanted_us <= seen_us <= most_us:
        raise _other_time(what, seen_us, wanted_us)


def period(what: str, seen_us: int, wanted_us: int, *, real: bool) -> None:
    """The time between two things that somebody does by a clock of his own, such as the beats of a loop, or the begin
    and the end of a limit that he has set, is exactly `wanted_us` microseconds. In real time the first may be seen a
    little late, and so may the second: up to 250 ms more or less."""
    slack_us = REAL_SLACK_US if real else 0
    seen_late_us = abs(seen_us - wanted_us)
    if seen_late_us > slack_us:
        raise _other_time(what, seen_us, wanted_us)


def _other_time(what: str, seen_us: int, wanted_us: int) -> Differs:
    wanted, seen = f"{wanted_us / 1e6:g} s", f"{seen_us / 1e6:.6f} s"
    return Differs(f"{what}: wanted {wanted}, seen {seen}", what=what, wanted=wanted, seen=f"{seen_us / 1e6:g} s")


def as_text(value: Any) -> str:
    """A value as a table cell shows it: text as it is, true, false and null as in JSON, a number without a needless
    `.0`, the entries of a list with commas between them."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(as_text, value))
    return str(value)


def lines(what: str, seen: str, wanted: str) -> None:
    """The lines of `wanted` stand in `seen`, one directly after the other."""
    have, want = seen.splitlines(), wanted.splitlines()
    if any(have[start : start + len(want)] == want for start in range(len(have) - len(want) + 1)):
        return
    is_long = len(have) + len(want) > COMPARED_LINES or len(seen) > SHOWN_CHARACTERS
    difference = short(seen) if is_long else "\n".join(difflib.ndiff(want, have))
    text = f"{what}: these lines do not stand there, one after the other (- wanted, + seen)\n{difference}"
    raise Differs(text, what=what, wanted=wanted, seen=seen or "nothing")


def words_of(what: str, seen: str, wanted: str) -> None:
    """Every word of `wanted` is in `seen`, whatever its case. What is neither letter nor figure is no part of a word at
    its ends, and a placeholder (`<time>`) is none."""
    said = set(_words(seen))
    missing = [word for word in dict.fromkeys(_words(wanted)) if word not in said]
    if missing:
        text = f"{what}: it does not say {', '.join(missing)}\n{seen}"
        raise Differs(text, what=what, wanted=f"these words: {' '.join(dict.fromkeys(_words(wanted)))}", seen=seen)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(PLACEHOLDER.sub(" ", text))]


def in_order(what: str, seen: Sequence[str], wanted: Sequence[str]) -> None:
    """The entries of `wanted` are in `seen`, in this order; others may stand between."""
    rest = iter(seen)
    for entry in wanted:
        if entry not in rest:
            every = "\n  ".join(seen)
            text = f"{what}: wanted {entry!r} next; seen in all:\n  {every}"
            raise Differs(text, what=what, wanted=entry, seen="\n".join(seen), never=True)
