"""The first difference from a green run, as a finding: who, did what, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from harness.story.facts import WORKER, Event
from harness.story.last_words import STAMP
from harness.trace.compare import CAME, DIFFERS, Difference, first_difference
from harness.trace.normal import AT_LAST, NO_INSTANT, Thing, trace

SHOWN_CHARACTERS = 160
TELLING = ("type", "stage", "code", "status", "actor", "human", "message", "t", "state", "layers_loaded", "node_name")
ENDED, GAVE_UP = "ended with exit code", "gave up"
WORKERS_END = re.compile(r"rbee-hive: worker \S+ exited with code (-?\d+)$")
SSH = re.compile(r"ssh (\S+) CONNECT ")


def difference(
    events: Sequence[Event], directory: str, reference: Sequence[Thing], line: int | None, *, real: bool
) -> dict[str, Any] | None:
    """The first difference of a stage, whose events are given up to the end of the step at `line`, from its reference:
    the fields of a finding, and at_s, wanted and seen. None when there is none."""
    lines = [event["line"] for event in events if event["event"] == "step"]
    step = lines.index(line) + 1 if line in lines else len(lines)
    found = first_difference(trace(events, directory, real=real), reference, step)
    return None if found is None else _told(found)


def _told(found: Difference) -> dict[str, Any]:
    thing = found.thing
    about, _, part = thing.channel.rpartition(": ")
    return {
        "culprit": WORKER if _ended_otherwise(found) else thing.speaker,
        "kind": found.kind,
        "headline": sentence(found),
        "conversation": about or part,
        "place": " ".join([part, *_members(found)]) if about else "",
        "exchange": found.seen.exchange if found.seen else None,
        "at_s": None if thing.at_us in (NO_INSTANT, AT_LAST) else thing.at_us / 1e6,
        "wanted": found.wanted.what if found.wanted else "",
        "seen": found.seen.what if found.seen else "",
    }


def sentence(found: Difference) -> str:
    """Who did what: otherwise, later, never, or as in no green run."""
    thing = found.thing
    if codes := _ended_otherwise(found):
        return f"{WORKER} {ENDED} {codes[0]} instead of {codes[1]}, as {thing.speaker} says"
    about, _, part = thing.channel.rpartition(": ")
    deed = _exchanged(thing, about, part) if about else _done(thing, part)
    is_said = part != "request" and not deed.startswith(GAVE_UP)  # what was asked for stands in the deed
    statuses = [_object(each).get("status") for each in (found.seen, found.wanted)]
    if part == "answer" and found.kind == DIFFERS and statuses[0] != statuses[1]:
        return f"{thing.speaker} answered {statuses[0]} instead of {statuses[1]} to {_whose(thing, about)}"
    if found.kind == DIFFERS:
        joint = " with" if part == "request" else "" if deed == ENDED else ":"
        return f"{thing.speaker} {deed}{joint} {_short(_changed(found))}"
    what = f"{'' if deed == ENDED else ':'} {_what(thing)}" if is_said else ""
    if found.delay_us:
        when = "later" if found.delay_us > 0 else "sooner"
        return f"{thing.speaker} {deed} {abs(found.delay_us) / 1e6:g} s {when} than in a green run{what}"
    return (
        f"{thing.speaker} {deed}, as in no green run{what}"
        if found.kind == CAME
        else (f"{thing.speaker} never {deed}{what}")
    )


def _ended_otherwise(found: Difference) -> list[str]:
    """The exit code of a worker and that of a green run, where it is its hive that tells of them."""
    ends = [WORKERS_END.search(each.what) if each else None for each in (found.seen, found.wanted)]
    return [end[1] for end in ends if end] if all(ends) else []


def _exchanged(thing: Thing, about: str, part: str) -> str:
    """What the speaker did in an exchange."""
    asked = about.removeprefix(f"{thing.speaker} → ")
    if part == "request":
        login = SSH.match(asked)
        return f"connected to {login[1]} by ssh" if login else f"asked {asked}"
    if asked != about:
        return f"{GAVE_UP} {asked}"
    asker, _, what = about.partition(f" → {thing.speaker} ")
    return f"told {asker} in answer to {what}" if part == "stream" else f"answered {_whose(thing, about)}"


def _whose(thing: Thing, about: str) -> str:
    return about.replace(f" → {thing.speaker}", "'s", 1)


def _done(thing: Thing, part: str) -> str:
    """What the speaker did beside exchanges."""
    kind, _, where = part.partition(" on ")
    stream = part.rpartition(", ")[2]
    if stream in ("stdout", "stderr"):
        return f"printed to {stream}"
    if stream == "end":
        return ENDED
    if kind == "files":
        return f"left a file on {where}"
    if kind.startswith("rows of "):
        return f"left a row in {kind.removeprefix('rows of ')} on {where}"
    if kind.startswith("start of "):
        return f"started {kind.removeprefix('start of ')}"
    return f"{'logged in' if _object(thing) else 'ran'} by {part}"


def _what(thing: Thing) -> str:
    """What was said, in few words: of JSON the members that tell."""
    told = _object(thing)
    if "status" in told and "headers" in told:
        return str(told["status"])
    body = told.get("body", told)
    if body is None:
        return str(told.get("how", "nothing"))
    if isinstance(body, dict) and body:
        inner = body.get("error")
        says = inner if isinstance(inner, dict) else body
        words = [str(says[name]) for name in TELLING if isinstance(says.get(name), str | int | float)]
        return " ".join(words) or _short(thing.what)
    return _short(STAMP.sub("", thing.what))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _members(found: Difference) -> list[str]:
    """Of two JSON objects the members that differ; of one its type or status."""
    one, other = (_object(thing) for thing in (found.wanted, found.seen))
    if found.kind == DIFFERS and one and other:
        return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    either = one or other
    return [str(either[name]) for name in ("type", "stage", "status") if isinstance(either.get(name), str | int)]


def _changed(found: Difference) -> str:
    one, other = (_object(thing) for thing in (found.wanted, found.seen))
    names = _members(found)
    if one and other and names and one.get("type") == other.get("type"):
        return ", ".join(_change(name, one.get(name), other.get(name)) for name in names)
    assert found.wanted is not None
    assert found.seen is not None
    if found.thing.channel.startswith("start of "):
        seen, wanted = found.seen.what.split(" "), found.wanted.what.split(" ")
        at = next((n for n, pair in enumerate(zip(seen, wanted, strict=False)) if pair[0] != pair[1]), 0)
        return f"{' '.join(seen[max(0, at - 1) : at + 1])} instead of {' '.join(wanted[at : at + 1])}"
    return f"{_what(found.seen)} instead of {_what(found.wanted)}"


def _change(name: str, wanted: Any, seen: Any) -> str:
    if isinstance(wanted, dict) and isinstance(seen, dict):
        inner = [each for each in wanted.keys() | seen.keys() if wanted.get(each) != seen.get(each)]
        return ", ".join(_change(each, wanted.get(each), seen.get(each)) for each in sorted(inner))
    if isinstance(wanted, list) and isinstance(seen, list):
        if len(wanted) != len(seen):
            return f"{len(seen)} {name} instead of {len(wanted)}"
        both = next((pair for pair in zip(wanted, seen, strict=True) if pair[0] != pair[1]), (wanted, seen))
        if both != (wanted, seen):
            return _change(name, *both)
    return f"{name} {_word(seen)} instead of {_word(wanted)}"


def _word(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _object(thing: Thing | None) -> dict[str, Any]:
    try:
        value = json.loads(thing.what) if thing is not None else None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
