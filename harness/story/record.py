"""The record of a red scenario: what the runner carries and reports render (docs/runner.md has its fields)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.story import hops, last_words, rules
from harness.story.facts import OPERATOR, PROGRAMS, Facts
from harness.story.finding import Finding, processes_by_program
from harness.story.paths import as_seen_there
from harness.story.redact import redacted

VERSION = 1
LONGEST = 2000  # characters of one text
TIMED = re.compile(r"\(\d{4,}, ['\"](.*?)['\"]\)")  # a pair of a time and a text
CERTAIN = ("died", "not started")  # more so than a difference from a green run
PID = re.compile(r" \(pid \d+\)")
SAID = re.compile(r"; it said: (?!nothing$).*")  # that is told as last words
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def make(facts: Facts, directory: Path, difference: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The record of what `facts` tell; `directory` is the stage's, whose paths are written as the node knows them."""
    by_rules = rules.find(facts)
    is_named = difference is not None and difference["culprit"] in PROGRAMS and by_rules.kind not in CERTAIN
    finding = _by_difference(difference) if difference and is_named else by_rules
    failing = facts.failing
    names = [name for name in PROGRAMS if name in finding.conversation]
    record = {
        "version": VERSION,
        "culprit": finding.culprit,
        "kind": finding.kind,
        "headline": finding.headline,
        "cause": cause(finding),
        "first_difference": difference,
        "by_rules": by_rules.culprit,
        "hops": hops.chosen(facts, finding.exchange),
        "step": {"line": failing.line, "text": failing.text},
        "what": failing.what,
        "wanted": failing.wanted,
        "seen": failing.seen or ("" if failing.what else _plain(facts)),
        "last_words": last_words.of(facts, finding.culprit, names),
    }
    told: dict[str, Any] = _each_text(record, lambda text: redacted(_for_people(text, directory))[:LONGEST])
    return told


def cause(finding: Finding) -> str:
    """What another red with the same cause has, too."""
    parts = (finding.culprit, finding.kind, finding.conversation, finding.place)
    return "|".join([str(VERSION), *(re.sub(r"\s+", " ", UUID.sub("*", part)).strip() for part in parts)])


def _by_difference(difference: Mapping[str, Any]) -> Finding:
    names = ("culprit", "kind", "headline", "conversation", "place", "exchange")
    return Finding(**{name: difference[name] for name in names})


def _plain(facts: Facts) -> str:
    """What a failure that is no check's says, without the machine's words."""
    asked = [one for one in facts.exchanges if one.asker == "operator"]
    if "requests.exceptions" in facts.failing.error or "urllib3" in facts.failing.error:
        last = asked[-1] if asked else None
        if last is not None and last.how == "refused":
            where = f"{last.node or last.host}:{last.port}"
            return f"nobody listens at {where}, where {OPERATOR} asked {last.method} {last.path}"
        if last is not None and last.how is None:
            return f"{OPERATOR} asked {last.method} {last.path} of {last.node or last.host}: no answer came"
    if facts.failing.error.startswith("builtins.KeyboardInterrupt"):
        return f"it was not over when it was ended from outside, at {facts.now_us / 1e6:g} s on its clock"
    lines = [line for line in facts.failing.error.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    said = re.sub(
        r"^harness\.[\w.]+: (?:\[Errno \d+\] )?", "", lines[-1] if lines[0].startswith("Traceback") else lines[0]
    )
    return SAID.sub("", PID.sub("", said))


def _for_people(text: str, directory: Path) -> str:
    """`text` with paths as the nodes know them, and without what only Python says so."""
    text = as_seen_there(text, str(directory))
    text = TIMED.sub(r"\1", text)
    return processes_by_program(text)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _each_text(each, change) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(each, change) for each in value]
    return value
