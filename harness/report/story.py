"""The story of a red scenario, as people read it: on a terminal, in a log, in a JUnit report, in a mail. docs/runner.md
has the record's fields."""

from __future__ import annotations

import difflib
import json
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_LINES, MOST_COLUMNS, LEAST_COLUMNS = 20, 100, 40
COMPARED_LINES = 5
WRAPPED_LINES = 2
SIDE = "  "

Story = Mapping[str, Any]


def columns() -> int:
    """How wide a line may be: as wide as the terminal, at most MOST_COLUMNS."""
    return max(LEAST_COLUMNS, min(MOST_COLUMNS, shutil.get_terminal_size((MOST_COLUMNS, 24)).columns))


def rendered(story: Story, width: int) -> list[str]:
    """The story in lines of at most `width` columns, without the scenario's name and the command that repeats it: those
    two have a line each before and behind it, and all together are at most MOST_LINES."""
    hops = [f"{SIDE}  {line}" for line in _hops(story["hops"], width - 4)]
    step = story["step"]
    where = f"line {step['line']}: " if step["line"] else ""
    compared = _comparison(story)
    if not story["what"]:
        compared = [part for line in compared for part in _wrapped(line, width - 2)]
    lines = [
        *(f"{SIDE}{line}" for line in _wrapped(_one_line(story["headline"]), width - 2)),
        *hops,
        f"{SIDE}{where}{step['text']}",
        *(f"{SIDE}{line}" for line in compared),
    ]
    words = [f"{SIDE}{line}" for line in _last_words(story["last_words"], width - 2)]
    room = MOST_LINES - 3 - len(words)
    return [_cropped(line, width) for line in lines[:room]] + words


def groups(verdicts: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The red verdicts by the cause that their stories name, the largest group first; one without a story is alone."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for number, each in enumerate(verdicts):
        story = each.get("story")
        found.setdefault(story["cause"] if story else f"{number}", []).append(each)
    return sorted(found.values(), key=len, reverse=True)


def paragraph(group: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """A group of several reds with one cause."""
    first = group[0]
    line = first["location"].rpartition(":")[2]
    others = ", ".join(each["location"].rpartition(":")[2] for each in group[1:])
    words = f"{len(group)} red, one cause: {first['story']['headline']}; begin with {line}"
    return [_cropped(words, width), _cropped(f"{SIDE}the others: {others}", width)]


def _wrapped(line: str, width: int, hang: int = 2) -> list[str]:
    """The line in at most WRAPPED_LINES, all but the first indented by `hang`."""
    return textwrap.wrap(
        line, width, break_on_hyphens=False, subsequent_indent=" " * hang, max_lines=WRAPPED_LINES, placeholder=" …"
    )


def _cropped(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _hops(hops: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    pairs = [f"{hop['who']} {'←' if hop['back'] else '→'} {hop['whom']}" for hop in hops]
    pair_width = max(map(len, pairs), default=0)
    for hop, pair in zip(hops, pairs, strict=True):
        here = "   ← here" if hop["here"] else ""
        line = " ".join(f"{hop['at_s']:9.3f} s  {pair:{pair_width}}  {hop['text']}".split("\n"))
        yield _cropped(line, width - len(here)) + here


def _comparison(story: Story) -> list[str]:
    what, wanted, seen = story["what"], story["wanted"], story["seen"]
    if not what:
        return [line for line in seen.splitlines() if line.strip()][:COMPARED_LINES]
    if wanted == what or not seen or ("\n" in seen and "\n" not in wanted):
        return [f"wanted: {_one_line(wanted)}", *_list("seen", seen)]
    wanted, seen = _members(wanted, seen)
    if "\n" in wanted or "\n" in seen:
        return [f"{what}:", *_difference(wanted, seen)]
    return [f"{what}:", f"{SIDE}wanted: {wanted}", f"{SIDE}seen:   {seen}"]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _list(name: str, text: str) -> list[str]:
    """What was seen instead, the last of it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) <= 1:
        return [f"{name}:   {lines[0] if lines else 'nothing'}"]
    return [f"{name}:", *(f"{SIDE}{line}" for line in lines[-COMPARED_LINES + 1 :])]


def _difference(wanted: str, seen: str) -> list[str]:
    """The lines in which two texts differ, from the first on: - wanted, + seen."""
    lines = [line for line in difflib.ndiff(wanted.splitlines(), seen.splitlines()) if line[:2] in ("- ", "+ ")]
    first = next((n for n, line in enumerate(lines) if line.startswith("- ")), 0)
    return [f"{SIDE}{line}" for line in lines[first : first + COMPARED_LINES]]


def _members(wanted: str, seen: str) -> tuple[str, str]:
    """Of two values the parts that differ: members of objects, entries of lists."""
    try:
        one, other = json.loads(wanted), json.loads(seen)
    except ValueError:
        return wanted, seen
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]
        return _some(one, names), _some(other, names)
    if isinstance(one, list) and isinstance(other, list):
        pairs = enumerate(zip(one, other, strict=False))
        at = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
        return _entry(one, at), _entry(other, at)
    return wanted, seen


def _some(members: Mapping[str, Any], names: Sequence[str]) -> str:
    shown = [f"{name} {json.dumps(members[name], ensure_ascii=False)}" for name in names if name in members]
    return ", ".join(shown) or "no such member"


def _entry(entries: Sequence[Any], at: int) -> str:
    if at >= len(entries):
        return f"{len(entries)} of them, no number {at + 1}"
    return f"{len(entries)} of them, number {at + 1} is {json.dumps(entries[at], ensure_ascii=False)}"


def _last_words(words: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    name_width = max((len(each["program"]) for each in words), default=0)
    for each in words:
        ended = f"   {each['ended']}" if each["ended"] else ""
        said = f"{each['program']:{name_width}} said  "
        room = width - len(said)
        text = _cropped(_one_line(each["text"]) or "nothing", WRAPPED_LINES * room)
        *lines, last = textwrap.wrap(text, room, break_on_hyphens=False, max_lines=WRAPPED_LINES, placeholder=" …")
        last = f"{_cropped(last, room - len(ended))}{ended}"
        for number, line in enumerate([*lines, last]):
            yield f"{'' if number else said:{len(said)}}{line}"
