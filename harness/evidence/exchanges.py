"""Exchanges: who asked whom what over the network, and what was answered, as the network saw it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ROLES = {"queen": range(8080, 8081), "hive": range(9200, 9201), "worker": range(8001, 8100), "hub": range(80, 81)}
"""Whom an exchange was meant for, by rbee's own ports."""


class Members(dict[str, Any]):
    """A JSON object. Who asks for a member that it has not gets an AssertionError that says what there is instead."""

    def __missing__(self, name: str) -> Any:
        raise AssertionError(f"no {name} in {dict(self)!r}")


@dataclass
class Exchange:
    """One request that reached the network, and what became of it. `program` and `pid` are those of the process that
    asked, where the world has found it: `asker` is only the node. `queens` are the nodes where a queen runs. Times
    are microseconds since the stage began."""

    number: int
    asker: str
    host: str
    port: int
    node: str | None
    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None
    asked_at_us: int
    program: str | None = None
    pid: int | None = None
    queens: frozenset[str] = frozenset()
    status: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    events: list[tuple[int, str]] = field(default_factory=list)
    how: str | None = None
    answer_body: str | None = None
    size: int = 0
    ended_at_us: int | None = None

    @property
    def role(self) -> str | None:
        """Whom it was meant for: queen, hive, worker or hub; None for none of them (SSH, say). At the queen's port of
        another node a hive is asked: rbee's sources name that port for both."""
        role = next((role for role, ports in ROLES.items() if self.port in ports), None)
        return "hive" if role == "queen" and self.node and self.queens and self.node not in self.queens else role

    @property
    def url(self) -> str:
        """What was asked for, by rbee's own names."""
        return f"http://{self.host}:{self.port}{self.path}"

    @property
    def sent(self) -> Any:
        """The request's body, read as JSON; None when it is none."""
        return _json(self.body)

    @property
    def answer(self) -> Any:
        """The answer's body, read as JSON; None when it is none."""
        return _json(self.answer_body)

    @property
    def said(self) -> Members:
        """The request's body, which is a JSON object. AssertionError, with the body, when it is none."""
        return _members(self.sent, f"the body of {self}", self.body)

    @property
    def answered(self) -> Members:
        """The answer's body, which is a JSON object. AssertionError, with the body, when it is none."""
        return _members(self.answer, f"the answer to {self}", self.answer_body)

    @property
    def timed_payloads(self) -> list[tuple[int, dict[str, Any]]]:
        """The events of an event stream that are JSON objects, in order, each with the time at which it passed."""
        parsed = ((at_us, _json(data)) for at_us, data in self.events)
        return [(at_us, payload) for at_us, payload in parsed if isinstance(payload, dict)]

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The events of an event stream that are JSON objects, in order."""
        return [payload for _, payload in self.timed_payloads]

    @property
    def end_mark(self) -> bool:
        """Whether the event stream ended with its end mark."""
        return bool(self.events) and self.events[-1][1] == "[DONE]"

    def __str__(self) -> str:
        answer = f"{self.status}" if self.status is not None else "no answer"
        return f"{self.asker} → {self.method} {self.host}:{self.port}{self.path}: {answer}, {self.how or 'still open'}"


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null", object_pairs_hook=Members)
    except (ValueError, RecursionError):
        return None


def _members(value: Any, what: str, text: str | None) -> Members:
    assert isinstance(value, Members), f"{what} is no JSON object: {text!r}"
    return value


def fold(events: Iterable[Mapping[str, Any]]) -> list[Exchange]:
    """The exchanges that `events` tell of, in the order in which they were asked. On a shared stage the end of one that
    an earlier scenario's program asked for may still come; it is none of this scenario's."""
    exchanges: dict[int, Exchange] = {}
    queens: frozenset[str] = frozenset()
    nodes: dict[int, str] = {}
    for event in events:
        kind = event["event"]
        if kind in ("started", "forked"):
            node = event["node"] if kind == "started" else nodes.get(event["parent"])
            if node is not None:  # of what a program below a shell has forked it is not known
                nodes[event["pid"]] = node
                queens |= {node} if event["program"] == "queen-rbee" else set()
        if kind == "asked":
            fields = {
                name: event[name] for name in ("asker", "host", "port", "node", "method", "path", "headers", "body")
            }
            fields |= {name: event.get(name) for name in ("program", "pid")}
            exchanges[event["exchange"]] = Exchange(
                event["exchange"], asked_at_us=event["at_us"], queens=queens, **fields
            )
        elif kind in ("answered", "passed", "ended") and event["exchange"] in exchanges:
            _add(exchanges[event["exchange"]], event)
    return list(exchanges.values())


def _add(exchange: Exchange, event: Mapping[str, Any]) -> None:
    if event["event"] == "answered":
        exchange.status, exchange.answer_headers = event["status"], event["headers"]
    elif event["event"] == "passed":
        exchange.events.append((event["at_us"], event["data"]))
    else:
        exchange.how, exchange.answer_body, exchange.size = event["how"], event["body"], event["size"]
        exchange.ended_at_us = event["at_us"]
