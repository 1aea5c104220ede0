"""The way of a request through rbee, as lines: who asked whom for what, when, and what came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.evidence.exchanges import Exchange
from harness.story import facts as know
from harness.story.facts import QUEEN, Facts
from harness.story.finding import route

MOST = 6
SAID_CHARACTERS = 60
ENDS = {
    "broken": "broken off",
    "cut": "cut by the scenario",
    "swallowed": "never answered: a fault",
    "left": "given up",
}


@dataclass(frozen=True)
class Hop:
    """One line of the way. exchange: whose; back: it is the answer."""

    at_us: int
    who: str
    whom: str
    back: bool
    text: str
    exchange: int | None


def chosen(facts: Facts, here: int | None) -> list[dict[str, Any]]:
    """The hops around the exchange number `here`, or the last ones: at most MOST, in order."""
    every = list(_every(facts))
    begins = facts.at(_acting_step(facts))
    every = [hop for hop in every if not begins or hop.at_us >= facts.events[begins]["at_us"]] or every
    is_here = [n for n, hop in enumerate(every) if here is not None and hop.exchange == here]
    last = is_here[-1] if is_here else len(every) - 1
    first_of_user = next((hop for hop in every if hop.who == know.KEEPER), None)
    window = every[max(0, last - MOST + 2) : last + 2]
    if first_of_user is not None and first_of_user not in window:
        window = [first_of_user, *window[-MOST + 1 :]]
    shown = window[-MOST:]
    return [_as_data(hop, hop is every[last] and here is not None and bool(is_here)) for hop in shown]


def _acting_step(facts: Facts) -> int | None:
    """The line of the last step before the failing one that acts."""
    acting = [event["line"] for event in facts.events if event["event"] == "step" and event.get("kind") == "when"]
    return acting[-1] if acting else None


def _as_data(hop: Hop, is_here: bool) -> dict[str, Any]:
    return {
        "at_s": hop.at_us / 1e6,
        "who": hop.who,
        "whom": hop.whom,
        "back": hop.back,
        "text": hop.text,
        "here": is_here,
    }


def _every(facts: Facts) -> Iterator[Hop]:
    """All hops, in the order in which the network saw them."""
    exchanges = {one.number: one for one in facts.exchanges if one.port != know.SSH_PORT}
    for event in facts.events:
        one = exchanges.get(event.get("exchange") or 0)
        if event["event"] == "command":
            yield Hop(event["at_us"], QUEEN, str(event["node"]), False, str(event["command"] or "a shell"), None)
        elif one is not None and event["event"] == "asked":
            yield _hop(one, event["at_us"], False, f"{one.method} {route(one.path)}")
        elif one is not None and event["event"] == "ended":
            yield _hop(one, event["at_us"], True, _answer(one))
    for one in exchanges.values():
        if one.how is None:
            yield _hop(one, facts.now_us, True, _answer(one))


def _hop(one: Exchange, at_us: int, back: bool, text: str) -> Hop:
    return Hop(at_us, know.asker(one), know.answerer(one), back, text, one.number)


def _answer(one: Exchange) -> str:
    if one.how == "refused":
        return f"nobody listens at {one.node or one.host}:{one.port}"
    words = [str(one.status)] if one.status is not None else []
    error = know.told_error(one)
    if error is not None:
        words.append(" ".join(str(error[name]) for name in ("code", "message") if error.get(name))[:SAID_CHARACTERS])
    if know.is_stream(one):
        mark = "" if one.end_mark else ", no end mark"
        words.append(f"{len(one.events)} events{mark}")
    words += _how(one)
    return ", ".join(words)


def _how(one: Exchange) -> Sequence[str]:
    if one.how is None:
        return ["still open"]
    is_whole = one.how == "left" and one.end_mark  # it was told all before it left
    return [ENDS[one.how]] if one.how in ENDS and not is_whole else []
