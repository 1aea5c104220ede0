"""A trace: what happened on a stage as a list of things that are the same in every green run.

A thing has a channel (between whom, about what, said by whom), an instant of the stage's clock, and what was said. What
differs from run to run is written alike: paths, addresses, ids, keys, pids, dates, speeds. In real time there are no
instants, and no figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.evidence import exchanges
from harness.evidence.exchanges import Exchange
from harness.story import facts as know
from harness.story.facts import HIVE, OPERATOR, QUEEN, Event
from harness.story.finding import route
from harness.story.last_words import said_by
from harness.story.paths import as_seen_there

FORMAT = 1
NO_INSTANT = -1
AT_LAST = 2**62  # later than everything
MACHINES_OWN = {"date", "server", "user-agent", "accept", "accept-encoding", "connection", "content-length", "host"}
"""Headers that say what a program was made with, or how long a body with a path in it is."""
OWNERS = {"beehives": QUEEN, "models": HIVE}
_ALIKE = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\brbee-partial-[0-9a-f]+"), "rbee-partial-<id>"),
    (re.compile(r"\b(127\.\d+\.\d+\.\d+|0\.0\.0\.0)\b"), "<address>"),
    (re.compile(r"\b(pid|process)([ =:]+)\d+", re.I), r"\1\2<pid>"),
    (re.compile(r"\d+(\.\d+)? [MK]i?B/s"), "<speed>"),
    (re.compile(r"\b(worker|key)-[0-9a-f]{6,}\b"), r"\1-<id>"),
    (re.compile(r"(?:/\S*/)?python[\d.]*(?: -\w+)* (?=\S*/rbee|\S*/llm)"), ""),
)
_FIGURE = re.compile(r"\d+(\.\d+)?")
_SPEEDS = ("speed_mbps", "size")


@dataclass(frozen=True)
class Thing:
    """step: the number of the step in which it happened, from 1. speaker: the program that did it. exchange: its number
    in this run, if it belongs to one; not part of what is compared."""

    step: int
    channel: str
    at_us: int
    what: str
    speaker: str
    exchange: int | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """What is compared."""
        return self.channel, self.at_us, self.what


def trace(events: Sequence[Event], directory: str, *, real: bool) -> list[Thing]:
    """The trace of what a stage in `directory` told, up to its closing. `real`: on the real clock."""
    return list(_Tracer(events, directory, real).things())


class _Tracer:
    def __init__(self, events: Sequence[Event], directory: str, real: bool) -> None:
        self._events, self._directory, self._real = events, directory, real
        self._exchanges = {one.number: one for one in exchanges.fold(events)}
        self._programs: dict[int, str] = {}
        self._pending: dict[tuple[int, str], tuple[Event, str]] = {}
        self._step = 0
        signals = [each for each in events if each["event"] == "fault" and each["kind"] == "signal"]
        self._signaled_us = {each["pid"]: each["at_us"] for each in signals}

    def things(self) -> Iterator[Thing]:
        for event in self._in_order():
            kind = event["event"]
            if kind == "closing":
                break
            if kind == "output":
                yield from self._output(event)
                continue
            yield from self._said_before(event["at_us"])
            if kind == "step":
                yield from self._said_before(None)
                self._step += 1
            elif kind == "snapshot":
                yield from self._snapshot(event)
            elif kind in ("asked", "answered", "passed", "ended") and event["exchange"] in self._exchanges:
                yield from self._exchange(event, self._exchanges[event["exchange"]])
            elif kind == "met" and event["parent"] == HIVE:
                yield self._thing(f"start of {event['program']}", event, " ".join(event["argv"]), HIVE)
            elif kind in ("started", "exited", "login", "command", "commanded"):
                yield from self._other(event)
        yield from self._said_before(None)

    def _in_order(self) -> list[Event]:
        """Who was started by another was so before it could say a word, though it is met only when it asks."""
        found: list[Event] = []
        for event in self._events:
            at = len(found)
            while event["event"] == "met" and at and _is_after_start(found[at - 1], event):
                at -= 1
            found.insert(at, event)
        return found

    def _thing(self, channel: str, event: Event, what: Any, speaker: str) -> Thing:
        text = what if isinstance(what, str) else json.dumps(self._alike(what), sort_keys=True, ensure_ascii=False)
        at_us = NO_INSTANT if self._real else event["at_us"]
        return Thing(self._step, channel, at_us, self._text(text), speaker, event.get("exchange"))

    def _left(self, channel: str, event: Event, what: Any, speaker: str) -> Thing:
        """What was left behind by the end of a step: when is not known."""
        return replace(self._thing(channel, event, what, speaker), at_us=AT_LAST)

    def _output(self, event: Event) -> Iterator[Thing]:
        """Pieces of one instant are put together, for how a text was cut into pieces tells nothing."""
        key = (event["pid"], event["stream"])
        before, text = self._pending.pop(key, (event, ""))
        if not self._real and before["at_us"] != event["at_us"]:
            yield from self._lines(before, text)
            before, text = event, ""
        self._pending[key] = (before, text + event["text"])

    def _said_before(self, at_us: int | None) -> Iterator[Thing]:
        """What programs have said whole lines of, or at another instant."""
        for key, (event, text) in list(self._pending.items()):
            if text.endswith("\n") or at_us is None or (not self._real and event["at_us"] != at_us):
                del self._pending[key]
                yield from self._lines(event, text)

    def _lines(self, event: Event, text: str) -> Iterator[Thing]:
        for line in text.splitlines():
            speaker = said_by(line, text) if event["program"] == HIVE else event["program"]
            yield self._thing(f"{speaker} on {event['node']}, {event['stream']}", event, line, speaker)

    def _is_race(self, event: Event, one: Exchange) -> bool:
        """Who got a signal may or may not hear the end of what it had asked for."""
        signaled_us = self._signaled_us.get(one.pid or 0)
        return signaled_us is not None and int(event["at_us"]) >= signaled_us

    def _exchange(self, event: Event, one: Exchange) -> Iterator[Thing]:
        asker, answerer, kind = know.asker(one), know.answerer(one), event["event"]
        if asker == OPERATOR and one.path == "/health":
            return  # the harness waits for the queen
        if kind in ("passed", "ended") and self._is_race(event, one):
            return
        about = f"{asker} → {answerer} {one.method} {route(one.path)}".rstrip() + (
            f" on {one.node}" if one.node else ""
        )
        if kind == "asked":
            what = {"query": one.path.partition("?")[2], "headers": _headers(one.headers), "body": _json(one.body)}
            yield self._thing(f"{about}: request", event, what, asker)
        elif kind == "answered":
            what = {"status": event["status"], "headers": _headers(event["headers"])}
            yield self._thing(f"{about}: answer", event, what, answerer)
        elif kind == "passed":
            yield self._thing(f"{about}: stream", event, _json(event["data"]), answerer)
        elif one.port != know.SSH_PORT:
            how = "complete" if one.end_mark else event["how"]
            speaker = asker if how == "left" else answerer
            body = None if one.events else _json(event["body"])
            yield self._thing(f"{about}: end", event, {"how": how, "body": body}, speaker)

    def _other(self, event: Event) -> Iterator[Thing]:
        kind = event["event"]
        if kind == "started":
            self._programs[event["pid"]] = event["program"]
        elif kind == "exited":
            if event["pid"] in self._programs:
                yield self._thing(
                    f"{event['program']} on {event['node']}, end", event, str(event["code"]), event["program"]
                )
        elif kind == "command":
            yield self._thing(f"ssh to {event['node']}", event, str(event["command"]), QUEEN)
        elif kind == "login":
            what = {"user": event["user"], "granted": event["granted"]}
            yield self._thing(f"ssh to {event['node']}", event, what, QUEEN)

    def _snapshot(self, event: Event) -> Iterator[Thing]:
        for node, left in event["nodes"].items():
            for table, rows in left["rows"].items():
                for row in rows:
                    yield self._left(f"rows of {table} on {node}", event, row, OWNERS[table])
            for file in left["files"]:
                if file[0].startswith("/etc/") and not file[0].startswith("/etc/rbee"):
                    continue  # the node's own system, where it has one
                owner = know.KEEPER if node == "blep" else HIVE
                yield self._left(f"files on {node}", event, " ".join(file), owner)

    def _alike(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._alike(each) for name, each in value.items() if name not in _SPEEDS}
        if isinstance(value, list):
            entries = [self._alike(each) for each in value]
            # What is listed by ids that are others next time comes in another order.
            return sorted(entries, key=self._listed) if any(isinstance(each, Mapping) for each in value) else entries
        if self._real and isinstance(value, int | float) and not isinstance(value, bool):
            return "#"
        return value

    def _listed(self, entry: Any) -> str:
        text = self._text(json.dumps(entry, sort_keys=True))
        return text if "<id>" in text else ""

    def _text(self, text: str) -> str:
        text = as_seen_there(text, self._directory)
        for pattern, alike in _ALIKE:
            text = pattern.sub(alike, text)
        return _FIGURE.sub("#", text) if self._real else text


def _is_after_start(event: Event, met: Event) -> bool:
    is_order = event["event"] == "asked" and event["path"] == "/v1/workers/spawn"
    return bool(event["at_us"] == met["at_us"]) and not is_order


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in MACHINES_OWN}


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text
