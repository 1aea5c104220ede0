"""A red trace held against a green one: each thing consumes an equal one, and what is left over differs, came, or never
came. The earliest is the first difference."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.trace.normal import AT_LAST, NO_INSTANT, Thing

DIFFERS, CAME, NEVER_CAME = "differs", "came", "never came"
REQUEST = ": request"
MANY_SPEAK = re.compile(r"^(rbee-hive|llm-worker-rbee) on .*stdout$|^rbee-keeper on .*stderr$|/v2/tasks.*: stream$")
"""Channels into which more than one speak at a time: their order tells nothing."""


@dataclass(frozen=True)
class Difference:
    """kind: one of the three above. wanted: the thing of the reference; seen: that of the red trace. delay_us: by so
    much it came later (or, negative, sooner), where it did come at another instant."""

    kind: str
    wanted: Thing | None
    seen: Thing | None
    delay_us: int = 0

    @property
    def thing(self) -> Thing:
        """What it is about."""
        thing = self.seen or self.wanted
        assert thing is not None
        return thing


def first_difference(red: Sequence[Thing], reference: Sequence[Thing], step: int | None) -> Difference | None:
    """The first difference up to the end of step number `step` (None: to the end); None when there is none."""
    seen = [thing for thing in red if step is None or thing.step <= step]
    wanted = [thing for thing in reference if step is None or thing.step <= step]
    races = (NEVER_CAME, _cut_off_us(seen)), (CAME, _cut_off_us(wanted))
    found = (pair for pair in _differences(seen, wanted) if (pair[1].kind, pair[1].thing.at_us) not in races)
    every = sorted(found, key=lambda pair: pair[0])
    if not every:
        return None
    first = every[0][1]
    # Of what one program does wrong at one instant, that says most which it tells another one.
    beside = (pair[1] for pair in every if _place(pair[1]) == _place(first))
    telling = next((other for other in beside if " → " in other.thing.channel), first)
    # Who was not asked, or otherwise, has not answered: that is not his.
    about = telling.thing.channel.rpartition(": ")[0]
    asked = [pair[1] for pair in every if pair[1].thing.channel == f"{about}{REQUEST}"]
    at_once = (other for other in asked if other.thing.at_us == telling.thing.at_us)
    return _moved(next(at_once, telling), seen, wanted)


def _cut_off_us(things: Sequence[Thing]) -> int | None:
    """The last instant, when something was asked then and not answered any more: what else would have come of it before
    all ended, nobody can say. None when nothing was cut off."""
    last_us = max((thing.at_us for thing in things if thing.at_us != AT_LAST), default=NO_INSTANT)
    parts = Counter(thing.channel for thing in things)
    asked = {thing.channel.removesuffix(REQUEST) for thing in things if thing.at_us == last_us != NO_INSTANT}
    for about in asked:
        over = max(parts[f"{about}: answer"], parts[f"{about}: end"])
        if parts[f"{about}{REQUEST}"] > over and " CONNECT " not in about:  # of a login no answer is told
            return last_us
    return None


def _place(difference: Difference) -> tuple[str, int]:
    return difference.thing.speaker, difference.thing.at_us


def _moved(first: Difference, seen: Sequence[Thing], wanted: Sequence[Thing]) -> Difference:
    """The difference; what only came at another instant is told with how much later."""
    if first.kind == DIFFERS:
        return first
    thing, others = first.thing, (seen if first.wanted else wanted)
    same = [other for other in others if (other.channel, other.what) == (thing.channel, thing.what)]
    later = next((other for other in same if other.at_us > thing.at_us), None)
    if (
        later is None
        or _left_over([thing], others) == []
        or _left_over([later], wanted if first.wanted else seen) == []
    ):
        return first
    delay_us = later.at_us - thing.at_us
    return replace(first, seen=first.seen or later, delay_us=delay_us if first.wanted else -delay_us)


def _differences(seen: Sequence[Thing], wanted: Sequence[Thing]) -> Iterator[tuple[tuple[int, int], Difference]]:
    """All differences, each with its place: by the clock, then by its place in its own trace."""
    came, never_came = _left_over(seen, wanted), _left_over(wanted, seen)
    channels: dict[str, list[tuple[int, Thing]]] = defaultdict(list)
    for place, thing in never_came:
        channels[thing.channel].append((place, thing))
    for place, thing in came:
        others = channels.get(thing.channel)
        if others and others[0][1].at_us == thing.at_us:
            other_place, other = others.pop(0)
            yield (thing.at_us, min(place, other_place)), Difference(DIFFERS, other, thing)
        else:
            yield (thing.at_us, place), Difference(CAME, None, thing)
    for others in channels.values():
        for place, thing in others:
            yield (thing.at_us, place), Difference(NEVER_CAME, thing, None)
    yield from _out_of_order(seen, wanted)


def _left_over(things: Sequence[Thing], others: Iterable[Thing]) -> list[tuple[int, Thing]]:
    """What of `things` has no equal among `others`. Without instants polls and retries are folded: once is enough."""
    equals = Counter(thing.key for thing in others)
    left = []
    for place, thing in enumerate(things):
        if not equals[thing.key]:
            left.append((place, thing))
        elif thing.at_us != NO_INSTANT:
            equals[thing.key] -= 1
    return left


def _out_of_order(seen: Sequence[Thing], wanted: Sequence[Thing]) -> Iterator[tuple[tuple[int, int], Difference]]:
    """Where a channel with one speaker has said the same at one instant in another order."""
    ours, theirs = _by_channel(seen), _by_channel(wanted)
    for channel, things in ours.items():
        others = theirs.get(channel, [])
        if Counter(thing.what for _, thing in things) != Counter(thing.what for _, thing in others):
            continue
        for (place, thing), (_, other) in zip(things, others, strict=True):
            if thing.what != other.what:
                yield (thing.at_us, place), Difference(DIFFERS, other, thing)
                break


def _by_channel(things: Sequence[Thing]) -> dict[tuple[str, int], list[tuple[int, Thing]]]:
    found: dict[tuple[str, int], list[tuple[int, Thing]]] = defaultdict(list)
    for place, thing in enumerate(things):
        ordered = thing.at_us != NO_INSTANT and not MANY_SPEAK.search(thing.channel)
        if ordered:
            found[thing.channel, thing.at_us].append((place, thing))
    return found
