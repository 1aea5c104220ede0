"""The first difference from a green run, as a finding: who, did what, and where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.story.facts import Event
from harness.story.last_words import STAMP
from harness.trace.compare import CAME, DIFFERS, Difference, first_difference
from harness.trace.normal import Thing, trace

SHOWN_CHARACTERS = 160
TELLING = ("type", "stage", "code", "status", "actor", "human", "message", "t", "state", "layers_loaded", "node_name")
ANSWERS = {"answer": "answer", "stream": "event", "end": "end of an answer"}


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
        "culprit": thing.speaker,
        "kind": found.kind,
        "headline": _headline(found, about or part, part),
        "conversation": about or part,
        "place": " ".join([part, *_members(found)]) if about else "",
        "exchange": found.seen.exchange if found.seen else None,
        "at_s": max(0, thing.at_us) / 1e6,
        "wanted": found.wanted.what if found.wanted else "",
        "seen": found.seen.what if found.seen else "",
    }


def _headline(found: Difference, about: str, part: str) -> str:
    thing = found.thing
    what = _what(thing)
    if part == "request":
        asks = about.removeprefix(f"{thing.speaker} → ")
        if found.kind == DIFFERS:
            return f"{thing.speaker} asked {asks} otherwise than in a green run: {_changed(found)}"
        if found.delay_us:
            return f"{thing.speaker} asked {asks} {_late(found)}"
        did = "asked" if found.kind == CAME else "never asked"
        return f"{thing.speaker} {did} {asks}" + (", as in no green run" if found.kind == CAME else "")
    where = (
        f" to {about.replace(f' → {thing.speaker}', chr(39) + 's', 1)}" if part in ("answer", "stream", "end") else ""
    )
    statuses = [_object(each).get("status") for each in (found.seen, found.wanted)]
    if part == "answer" and found.kind == DIFFERS and statuses[0] != statuses[1]:
        return f"{thing.speaker} answered {statuses[0]}{where} instead of {statuses[1]}"
    if found.kind == DIFFERS:
        return f"{thing.speaker} told another {_noun(part)}{where}: {_short(_changed(found))}"
    if found.delay_us:
        return f"{thing.speaker}'s {_noun(part)}{where} came {_late(found)}: {what}"
    never = "never came" if found.kind != CAME else "came, as in no green run"
    return f"{thing.speaker}'s {_noun(part)}{where} {never}: {what}"


def _to_whom(thing: Thing, about: str) -> str:
    """` to <asker>'s <method> <path>`."""
    asker, _, what = about.partition(f" → {thing.speaker} ")
    return f" to {asker}'s {what}" if what else f" in {about}"


def _noun(part: str) -> str:
    if part in ANSWERS:
        return ANSWERS[part]
    kind = part.partition(" on ")[0] if part.startswith(("rows", "files")) else part.rpartition(", ")[2] or part
    return {"stdout": "line on stdout", "stderr": "line on stderr", "end": "end"}.get(kind, kind)


def _late(found: Difference) -> str:
    return f"{abs(found.delay_us) / 1e6:g} s {'later' if found.delay_us > 0 else 'sooner'} than in a green run"


def _what(thing: Thing) -> str:
    """What was said, in few words: of JSON the members that tell."""
    told = _object(thing)
    if "status" in told and "headers" in told:
        return str(told["status"])
    body = told.get("body", told)
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
    if not (one and other and names):
        assert found.wanted is not None
        return f"{_what(found.thing)} instead of {_what(found.wanted)}"
    return ", ".join(_change(name, one.get(name), other.get(name)) for name in names)


def _change(name: str, wanted: Any, seen: Any) -> str:
    if isinstance(wanted, dict) and isinstance(seen, dict):
        inner = [each for each in wanted.keys() | seen.keys() if wanted.get(each) != seen.get(each)]
        return ", ".join(_change(each, wanted.get(each), seen.get(each)) for each in sorted(inner))
    return f"{name} {json.dumps(seen, ensure_ascii=False)} instead of {json.dumps(wanted, ensure_ascii=False)}"


def _object(thing: Thing | None) -> dict[str, Any]:
    try:
        value = json.loads(thing.what) if thing is not None else None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
