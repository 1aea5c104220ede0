"""What is known of a red scenario, put in order: who asked whom what, what ran, and the step that failed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.evidence import exchanges, programs
from harness.evidence.exchanges import Exchange
from harness.evidence.programs import Run

KEEPER, QUEEN, HIVE, WORKER = "rbee-keeper", "queen-rbee", "rbee-hive", "llm-worker-rbee"
PROGRAMS = (KEEPER, QUEEN, HIVE, WORKER)
PROGRAM_OF_ROLE = {"queen": QUEEN, "hive": HIVE, "worker": WORKER, "hub": "the hub"}
OPERATOR = "the scenario"  # whoever is meant by the sentence: the harness asks for him
SSH_PORT = 22
END_MARK = "[DONE]"
DAEMONS = (QUEEN, HIVE, WORKER)

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Failing:
    """The step that failed first, and how. kind: its `given`, `when` or `then`; what, wanted, seen: what the check
    said, in words for people; error: the failure's text. never: it was awaited and did not come. subjects: what of the
    evidence the step had looked at, the last thing last. said: all that the scenario's steps say."""

    line: int | None
    text: str
    kind: str = "then"
    what: str = ""
    wanted: str = ""
    seen: str = ""
    error: str = ""
    never: bool = False
    subjects: Sequence[Mapping[str, Any]] = ()
    said: str = ""


@dataclass(frozen=True)
class Facts:
    """events: what the world told up to the end of the step that failed; failing: that step."""

    events: Sequence[Event]
    failing: Failing

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """Every request, in the order in which they were made."""
        return exchanges.fold(self.events)

    @cached_property
    def runs(self) -> list[Run]:
        """Every program that the world started."""
        return programs.fold(self.events)

    @cached_property
    def now_us(self) -> int:
        """When the step failed."""
        return int(self.events[-1]["at_us"]) if self.events else 0

    @cached_property
    def signaled(self) -> set[int]:
        """The processes to which the scenario has sent a signal."""
        return {event["pid"] for event in self.events if event["event"] == "fault" and event["kind"] == "signal"}

    @cached_property
    def struck(self) -> set[int]:
        """The exchanges that a fault of the scenario's has hit."""
        return {event["exchange"] for event in self.events if event["event"] == "fault" and event.get("exchange")}

    @property
    def is_cut(self) -> bool:
        """Whether the step was ended from outside, as when its limit has come."""
        return self.failing.error.startswith("builtins.KeyboardInterrupt") or self.failing.line is None

    @cached_property
    def figures(self) -> set[str]:
        """The numbers and the capital words that the scenario's sentences mention: what they name is meant to be."""
        return set(re.findall(r"\b(?:\d+|[A-Z][A-Z_]{3,})\b", self.failing.said))

    @cached_property
    def is_to_fail(self) -> bool:
        """Whether the scenario's sentences want the user's program to fail."""
        return re.search(r"exit code (is )?[1-9]", self.failing.said) is not None

    def at(self, step: int | None) -> int:
        """The index of the event with which the step at this line begins; 0 when it is not known."""
        marks = (n for n, event in enumerate(self.events) if event["event"] == "step" and event["line"] == step)
        return next(marks, 0)


def asker(exchange: Exchange) -> str:
    """Who asked: a program, or the scenario itself."""
    return OPERATOR if exchange.asker == "operator" else exchange.program or f"somebody on {exchange.asker}"


def answerer(exchange: Exchange) -> str:
    """Who was asked: a program, the hub, or a node's SSH server; else the host."""
    if exchange.role is not None:
        return PROGRAM_OF_ROLE[exchange.role]
    if exchange.port == SSH_PORT:
        return f"ssh {exchange.node or exchange.host}"
    return exchange.node or exchange.host


def is_stream(exchange: Exchange) -> bool:
    """Whether it was answered by a stream of events."""
    return str(exchange.answer_headers.get("content-type", "")).startswith("text/event-stream")


def told_error(exchange: Exchange) -> dict[str, Any] | None:
    """The error event of a stream, or the error of an answer; None when neither has one."""
    for payload in exchange.payloads:
        if payload.get("type") == "error":
            return payload
    answer = exchange.answer
    if isinstance(answer, dict) and exchange.status is not None and exchange.status >= 400:
        error = answer.get("error", answer)
        return error if isinstance(error, dict) else {"message": str(error)}
    return None


def failed(exchange: Exchange) -> bool:
    """Whether its asker has not got what it asked for."""
    if exchange.how in ("broken", "cut", "swallowed", "refused"):
        return True
    if exchange.status is not None and exchange.status >= 400:
        return True
    if exchange.how == "complete" and is_stream(exchange) and not exchange.end_mark:
        return True
    return told_error(exchange) is not None


def tokens(exchange: Exchange) -> list[str]:
    """The tokens in a stream, in order."""
    return [str(payload.get("t")) for payload in exchange.payloads if payload.get("type") == "token"]


def as_json(text: str | None) -> Any:
    """A body read as JSON; the text itself when it is none."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return text
