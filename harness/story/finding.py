"""What is found: which program did what wrong, between whom, and where."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import Any

from harness.evidence.exchanges import ROLES, Exchange
from harness.story import facts as know
from harness.story.facts import HIVE, KEEPER, QUEEN, WORKER, Facts

UNKNOWN = "unknown"
ASKED_BY = (
    ("hive", r"/v1/workers/(ready|state)", WORKER),
    ("hive", r"", QUEEN),
    ("queen", r"/v2/registry", KEEPER),
    ("queen", r"", KEEPER),
    ("worker", r"/v1/(health|admin)", HIVE),
    ("worker", r"", QUEEN),
    ("hub", r"", HIVE),
)
ACTORS = dict.fromkeys(("rbee-hive", "http-server", "model-provisioner", "worker-preflight", "pool-preflight"), HIVE)
SHORT = 24  # characters of what was wanted and of what was seen, that both stand in one line
ASKS_COUNTED = re.compile(r"how many (there were|shutdown requests there were)$")
PROCESS = re.compile(rf"\bpid \d+ on ([\w.-]+): (?:(?=\S).*?\b({'|'.join(know.PROGRAMS)})\b)?.*")
EXIT_CODE = "the exit code"  # what the step about it says


@dataclass(frozen=True)
class Finding:
    """culprit: a program, or `unknown`. kind: `died`, `failed`, `not passed on`, `never came` or `differs`. headline:
    in a sentence. conversation: between whom, and place: at what, both without anything that is another one next time.
    exchange: the number of the one that shows it."""

    culprit: str
    kind: str
    headline: str
    conversation: str = ""
    place: str = ""
    exchange: int | None = None


def route(path: str) -> str:
    """A path without its query, and without what names one thing of many."""
    first, *others = path.partition("?")[0].strip("/").split("/")
    return "/".join(["", first, *(re.sub(r"^[^/]*\d[^/]*$", "*", part) for part in others)])


def conversation(exchange: Exchange) -> str:
    """Between whom an exchange was, and about what."""
    return f"{know.asker(exchange)} → {know.answerer(exchange)} {exchange.method} {route(exchange.path)}".rstrip()


def processes_by_program(text: str) -> str:
    """`text` with what it says of processes in few words: of which program, and where."""
    return PROCESS.sub(lambda found: f"{found[2] or 'a process'} on {found[1]}", text)


def how_ended(code: int) -> str:
    """An exit code or a signal, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def value(facts: Facts, who: str, place: str, one: Exchange | None = None) -> Finding:
    """What the step has looked at is `who`'s, and not what it should be; `one` shows it."""
    failing = facts.failing
    kind = "never came" if failing.never else "differs"
    what = processes_by_program(failing.what or failing.text)
    both = (failing.seen, failing.wanted)
    is_short = failing.what and all(0 < len(text) <= SHORT and "\n" not in text for text in both)
    is_other = f"is {failing.seen}, not {failing.wanted}" if is_short else "is not what it should be"
    headline = f"{who}: {what} never came" if failing.never else f"{who}: {what} {is_other}"
    if one is not None and who == know.asker(one) and ASKS_COUNTED.match(what):
        asked = f"{know.answerer(one)} {one.method} {route(one.path)}".rstrip()
        headline = f"{who} asked {asked} {failing.seen} times, not {failing.wanted}"
    where, number = (conversation(one), one.number) if one is not None else (who, None)
    return Finding(who, kind, headline, where, place, number)


def asked_by(facts: Facts, subject: dict[str, Any]) -> str:
    """Who asks for such a thing."""
    port, path = subject.get("port"), str(subject.get("path", ""))
    if subject.get("role") == "hub" and not any(one.path == "/v1/models/download" for one in facts.exchanges):
        return QUEEN  # nobody told the hive to
    of_port = next((role for role, ports in ROLES.items() if port in ports), None)
    role = subject.get("role") or of_port
    if "/v1/admin" in path and any("shutdown" in run.argv for run in facts.runs):
        return QUEEN
    return next((who for of, pattern, who in ASKED_BY if of == role and re.match(pattern, path)), UNKNOWN)


def failure(one: Exchange) -> Finding:
    """Whoever was asked has not given what was asked for."""
    who, whose = know.answerer(one), f"{know.asker(one)}'s {one.method} {route(one.path)}"
    error = know.told_error(one)
    if one.status is not None and one.status >= 400:
        what = f"answered {one.status} to {whose}"
    elif error is not None:
        what = f"told {whose} an error: {error.get('code')}"
    elif one.how == "left":
        did = "did not answer" if one.status is None else "fell silent in its answer to"
        what = f"{did} {whose}, which was given up"
    else:
        what = f"ended its stream without the end mark, to {whose}"
    place = str(one.status if error is None else error.get("code", one.status))
    return Finding(who, "failed", f"{who} {what}", conversation(one), place, one.number)
