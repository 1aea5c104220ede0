"""To whom it belongs what a step has looked at: whoever has made that has made it wrong, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.evidence.exchanges import Exchange
from harness.story import facts as know
from harness.story.facts import HIVE, KEEPER, PROGRAMS, QUEEN, WORKER, Facts
from harness.story.finding import ACTORS, ASKED_BY, EXIT_CODE, UNKNOWN, Finding, asked_by, failure, route, value

OF_REQUEST = re.compile(
    r"request|its body|\basked|authorization|call(ed)? ?back|how (often|many there)|the wait|again|hops|retr"
    r"|given up|tried|did not",
    re.IGNORECASE,
)
HOP = re.compile(r"\S+ → (\w+): ([A-Z]+) (/\S+)")
LINE = re.compile(r"^'?(?:\[([a-z-]+)\] |(rbee-hive|llm-worker-rbee|queen-rbee|rbee-keeper)(?:\[[^\]]*\])?: )")
WHAT = re.compile(r"^what (the hive|the worker|the queen|the user)")
NOT_ASKED = re.compile(
    r"(?:the )?(hive|worker|queen|hub)[^;\n]* was not asked|no request of the user reached a (worker)"
)
DID_NOT = re.compile(r"(?:the |its )?(hive|worker|queen|user)[^;\n]* did not ")
ASKS = {"hive": QUEEN, "worker": QUEEN, "queen": KEEPER, "hub": HIVE}
PATH = re.compile(r'(?:\bat |"path": ")(/[^\s,"]+)')
NAMED = (("the hive", HIVE), ("hive of", HIVE), ("the worker", WORKER), ("the queen", QUEEN), ("the user", KEEPER))
FIGURE = re.compile(r"\d+(?:\.\d+)+|\d+|[\w-]+\.home\.arpa|true|false")
BAR = "Downloading model"  # what the user's program makes of events about a download
NARRATION = re.compile(r"\[([a-z-]+)\] (.*)")


def of_subject(facts: Facts) -> Finding | None:
    """The step looked at something last: whoever has made that has made it wrong, or not at all."""
    if who := _of_words(facts):
        return value(facts, who, facts.failing.text)
    awaited = PATH.search(facts.failing.error)
    if not facts.failing.what and awaited:
        return _of_path(facts, awaited[1])
    for word, who in NAMED if not facts.failing.what else ():
        if word in facts.failing.error.partition("\n")[0]:
            return value(facts, who, facts.failing.text)
    for subject in reversed(facts.failing.subjects):
        for finding in _of_subject(facts, dict(subject)):
            return finding
    return None


def _of_words(facts: Facts) -> str | None:
    """Who is meant by the check's own words: a line of a log, a request that somebody should have made."""
    words = facts.failing.what or facts.failing.error.partition("\n")[0]
    if line := LINE.search(words):
        return line[2] or ACTORS.get(line[1], line[1] if line[1] in PROGRAMS else WORKER)
    if hop := HOP.search(words):
        return asked_by(facts, {"role": hop[1], "path": hop[3]})
    if what := WHAT.search(words):
        return dict(NAMED)[what[1]] if what[1] != "the user" else None
    if not facts.failing.what and (did_not := DID_NOT.search(words)):
        return {"hive": HIVE, "worker": WORKER, "queen": QUEEN, "user": KEEPER}[did_not[1]]
    if not_asked := NOT_ASKED.search(words):
        return ASKS[not_asked[1] or not_asked[2]]
    if "of the task" in words:
        return QUEEN
    return KEEPER if "printed" in words else None


def _of_path(facts: Facts, path: str) -> Finding | None:
    """What was awaited at this path did not come: who asks for it has not, or who answers has not."""
    asked = [one for one in facts.exchanges if one.path == path]
    if asked:
        return value(facts, know.answerer(asked[-1]), route(path), asked[-1])
    who = next((who for _, pattern, who in ASKED_BY if pattern and re.match(pattern, path)), UNKNOWN)
    return None if who == UNKNOWN else value(facts, who, route(path))


def looked_at(facts: Facts) -> Exchange | None:
    """The exchange at which the step looked last; one whose path it names goes before."""
    lists = [subject["exchanges"] for subject in facts.failing.subjects if subject.get("exchanges")]
    numbers = [number for each in lists for number in each]
    by_number = {one.number: one for one in facts.exchanges}
    found = [by_number[number] for number in numbers if number in by_number]
    texts = (facts.failing.what, facts.failing.text)
    named = [one for text in texts for one in reversed(found) if len(one.path) > 1 and one.path in text]
    return named[0] if named else found[-1] if found else None


def _of_subject(facts: Facts, subject: dict[str, Any]) -> Iterator[Finding]:
    if "exchanges" in subject:
        yield from _of_exchanges(facts, subject)
    elif "program" in subject:
        yield from _of_program(facts, subject["program"])
    else:
        who = _owner(facts, subject)
        if who != UNKNOWN:
            yield value(facts, who, next(iter(subject)))


def _owner(facts: Facts, subject: dict[str, Any]) -> str:
    """Who leaves such a thing behind."""
    if "rows" in subject:
        return QUEEN if "beehives" in subject["rows"] else HIVE
    if "processes" in subject:
        return HIVE if subject["processes"] == WORKER else QUEEN if subject["processes"] == HIVE else KEEPER
    if "tools" in subject:
        return QUEEN
    if "path" in subject:
        return KEEPER if subject["node"] == "blep" else HIVE
    if subject.get("events") in ("login", "command", "commanded"):
        return QUEEN
    return next((who for word, who in NAMED if word in f"{facts.failing.what} {facts.failing.text}"), UNKNOWN)


def _of_exchanges(facts: Facts, subject: dict[str, Any]) -> Iterator[Finding]:
    failing = facts.failing
    found = [one for one in facts.exchanges if one.number in subject["exchanges"]]
    if not found:
        who = KEEPER if subject.get("method") == "DELETE" and "/v2/" in str(subject.get("path")) else UNKNOWN
        who = asked_by(facts, subject) if who == UNKNOWN else who
        if who == UNKNOWN and subject.get("port") == know.SSH_PORT:
            who = QUEEN
        if who != UNKNOWN:
            yield value(facts, who, f"{subject.get('method', '')} {route(str(subject.get('path', '')))}")
        return
    one = looked_at(facts) or found[-1]
    is_count = _length(failing.wanted) != _length(failing.seen)
    is_asked = OF_REQUEST.search(failing.what or failing.error) or (is_count and "token" not in failing.what)
    who = know.asker(one) if is_asked else know.answerer(one)
    if who in PROGRAMS:
        yield value(facts, who, route(one.path), one)


def _length(text: str) -> int:
    """How many entries a list has, as a text of JSON; 0 for what is none."""
    value = know.as_json(text)
    return len(value) if isinstance(value, list) else 0


def _of_program(facts: Facts, program: str) -> Iterator[Finding]:
    failing = facts.failing
    told = [one for one in facts.exchanges if know.asker(one) == KEEPER]
    error = next((one for one in reversed(told) if know.failed(one)), None)
    if program != KEEPER or not told:
        yield value(facts, program, "exit code" if failing.what == EXIT_CODE else "output")
    elif failing.what == "the hops":
        yield from _of_hop(facts)
    elif failing.what != EXIT_CODE and failing.seen.endswith(" s") and error is not None:
        yield value(facts, know.answerer(error), "time", error)
    elif failing.what != EXIT_CODE:
        yield from _of_print(facts, told[-1])
    elif failing.seen == "0" and error is None:
        yield value(facts, know.answerer(told[-1]), "no error", told[-1])
    elif failing.wanted == "0" and error is not None:
        yield failure(error)
    else:
        yield value(facts, KEEPER, "exit code")


def _of_hop(facts: Facts) -> Iterator[Finding]:
    """A hop is missing, `asker → asked: METHOD path`: whoever should have made it has not."""
    hop = re.match(r"\S+ → (\S+): (\S+) (\S+)", facts.failing.wanted)
    who = asked_by(facts, {"role": hop[1], "path": hop[3]}) if hop else QUEEN
    yield value(facts, QUEEN if who == UNKNOWN else who, facts.failing.wanted)


def _of_print(facts: Facts, last: Exchange) -> Iterator[Finding]:
    """A line is missing in what the user's program printed. What it was told by another and did not print, it has left
    out; what it was not told, the other has; and a figure that is a wrong one is that one's who told it first."""
    if last.port == know.SSH_PORT:
        said = "".join(
            event["text"] for event in facts.events if event["event"] == "output" and event["program"] == HIVE
        )
        yield value(facts, KEEPER if facts.failing.wanted.strip() in said else HIVE, "output")
        return
    seen = facts.failing.seen.splitlines()
    missing = [line for line in facts.failing.wanted.splitlines() if line not in seen]
    narration = NARRATION.match(missing[0]) if missing else None
    if narration is not None and narration[1] == QUEEN and not know.is_stream(last):
        # It is the user's program that puts an answer into words; unless the words are the answer's.
        message = str((know.told_error(last) or {}).get("message", ""))
        is_hers = bool(message) and message in facts.failing.seen and message not in facts.failing.wanted
        yield value(facts, QUEEN if is_hers else KEEPER, "narration", last)
        return
    if narration is not None and narration[1] != KEEPER:
        told = any(payload.get("human") == narration[2] for payload in last.payloads)
        hive_said = any(narration[2] in event["text"] for event in facts.events if event["event"] == "output")
        teller = QUEEN if hive_said else ACTORS.get(narration[1], narration[1] if narration[1] in PROGRAMS else WORKER)
        yield value(facts, KEEPER if told else teller, "narration", last)
        return
    progress = any(payload.get("type") == "progress" for payload in last.payloads)
    if missing and missing[0].startswith(BAR) and progress:
        yield value(facts, KEEPER, "progress", last)
        return
    wanted = set(re.findall(FIGURE, "\n".join(missing)))
    others = set(re.findall(FIGURE, "\n".join(line for line in seen if line not in facts.failing.wanted))) - wanted
    tellers = _tellers(facts)
    asked = [one for one in facts.exchanges if know.asker(one) == KEEPER]
    own = set(re.findall(FIGURE, " ".join(" ".join(one.headers.values()) for one in asked)))
    if others & own:
        yield value(facts, KEEPER, "output", last)
        return
    if not wanted - set(re.findall(FIGURE, tellers[KEEPER])):
        yield value(facts, KEEPER, "output", last)
    elif wanted & set(re.findall(FIGURE, tellers[HIVE] + tellers[WORKER])):
        yield value(facts, QUEEN, "output", last)
    else:
        first = next((who for who in (WORKER, HIVE) if others & set(re.findall(FIGURE, tellers[who]))), QUEEN)
        yield value(facts, first, "output", last)


def _tellers(facts: Facts) -> dict[str, str]:
    """What each was told or has told: the keeper by the queen, and the queen by hives and by workers."""
    texts = dict.fromkeys((KEEPER, HIVE, WORKER), "")
    for one in facts.exchanges:
        told = "\n".join([one.answer_body or "", *(str(data) for _, data in one.events)])
        asker, answerer = know.asker(one), know.answerer(one)
        if asker == KEEPER:
            texts[KEEPER] += told
        elif asker == QUEEN and answerer in texts:
            texts[answerer] += told
    return texts
