"""Who did what wrong, found by rules alone, the most certain first: a program died; an exchange failed; what was told
was not passed on; something never came; a value differs."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.evidence.exchanges import Exchange
from harness.story import facts as know
from harness.story.facts import HIVE, KEEPER, OPERATOR, PROGRAMS, QUEEN, WORKER, Facts

UNKNOWN = "unknown"
EXIT_CODE = "the exit code"  # what the step about it says
# Who asks for what (docs/contract.md): by the role that is asked, and the path.
ASKED_BY = (
    ("hive", r"/v1/workers/(ready|state)", WORKER),
    ("hive", r"", QUEEN),
    ("queen", r"/v2/registry", KEEPER),
    ("queen", r"", KEEPER),
    ("worker", r"/v1/(health|admin)", HIVE),
    ("worker", r"", QUEEN),
    ("hub", r"", HIVE),
)
OF_REQUEST = re.compile(r"request|asked|sent|authorization|call(ed)? ?back|how often|the wait|again|hops|retr", re.I)
ACTORS = {"rbee-keeper": KEEPER, "queen-rbee": QUEEN, "rbee-hive": HIVE, "http-server": HIVE, "model-provisioner": HIVE}
NARRATION = re.compile(r"\[([a-z-]+)\] (.*)")


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


def find(facts: Facts) -> Finding:
    """What the first rule says that has something to say."""
    rules: tuple[Callable[[Facts], Finding | None], ...] = (died, exchange_failed, not_passed_on, of_subject)
    return next((finding for rule in rules if (finding := rule(facts))), unknown(facts))


def unknown(facts: Facts) -> Finding:
    """No rule has anything to say."""
    return Finding(UNKNOWN, "differs", facts.failing.what or facts.failing.text, place=facts.failing.text)


def route(path: str) -> str:
    """A path without its query, and without what names one thing of many."""
    first, *others = path.partition("?")[0].strip("/").split("/")
    return "/".join(["", first, *(re.sub(r"^[^/]*\d[^/]*$", "*", part) for part in others)])


def conversation(exchange: Exchange) -> str:
    """Between whom an exchange was, and about what."""
    return f"{know.asker(exchange)} → {know.answerer(exchange)} {exchange.method} {route(exchange.path)}".rstrip()


def how_ended(code: int) -> str:
    """An exit code or a signal, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def died(facts: Facts) -> Finding | None:
    """A program that serves others has ended, and nobody told it to; or the user's was killed."""
    for run in facts.runs:
        if run.code is None or run.pid in facts.signaled or run.program not in PROGRAMS:
            continue
        serves = run.program != KEEPER and not {"--help", "--version", "detect"} & set(run.argv)
        if run.code < 0 or (serves and run.code != 0):
            headline = f"{run.program} on {run.node} ended by itself ({how_ended(run.code)})"
            return Finding(run.program, "died", headline, run.program, how_ended(run.code))
    for one in facts.exchanges:
        if one.how == "broken" and one.number not in facts.struck and not facts.signaled:
            who = know.answerer(one)
            headline = f"{who} broke off its answer to {know.asker(one)}'s {one.method} {route(one.path)}"
            return Finding(who, "died", headline, conversation(one), "broken", one.number)
    return None


def exchange_failed(facts: Facts) -> Finding | None:
    """An exchange has failed that was not meant to: the sentences of the scenario speak of no such failure. Of several
    the one that is farthest down: who asks fails because of whom it asks."""
    if facts.failing.what == EXIT_CODE and facts.failing.wanted != "0":
        return None  # it was to fail
    for one in facts.exchanges:
        if know.asker(one) in (KEEPER, OPERATOR) and _is_bad(facts, one):
            deepest = _deepest(facts, one)
            return _failed(deepest)
    return None


def _is_bad(facts: Facts, one: Exchange) -> bool:
    if one.number in facts.struck or one.how == "refused":
        return False
    if one.status is not None and one.status >= 400:
        is_own = one.status >= 500 or not facts.is_to_fail
        return is_own and not _is_meant(facts, one)
    if one.how == "complete" and know.is_stream(one) and not one.end_mark:
        return True
    return know.told_error(one) is not None and not facts.is_to_fail and not _is_meant(facts, one)


def _is_meant(facts: Facts, one: Exchange) -> bool:
    error = know.told_error(one) or {}
    return str(error.get("code")) in facts.figures or str(one.status) in facts.figures


def _deepest(facts: Facts, one: Exchange) -> Exchange:
    """The failed exchange on which this one hangs."""
    below = [
        each
        for each in facts.exchanges
        if each.number > one.number and know.asker(each) == know.answerer(one) and _is_bad(facts, each)
    ]
    return _deepest(facts, below[-1]) if below else one


def _failed(one: Exchange) -> Finding:
    who, whose = know.answerer(one), f"{know.asker(one)}'s {one.method} {route(one.path)}"
    error = know.told_error(one)
    if one.status is not None and one.status >= 400:
        what = f"answered {one.status} to {whose}"
    elif error is not None:
        what = f"told {whose} an error: {error.get('code')}"
    else:
        what = f"ended its stream without the end mark, to {whose}"
    place = str(one.status if error is None else error.get("code", one.status))
    return Finding(who, "failed", f"{who} {what}", conversation(one), place, one.number)


def not_passed_on(facts: Facts) -> Finding | None:
    """The tokens of the worker are not those that the queen passed on, or those that the keeper printed."""
    for task in facts.exchanges:
        if task.role != "queen" or task.path != "/v2/tasks" or task.how != "complete":
            continue
        inference = next((one for one in reversed(facts.exchanges) if _is_inference_of(facts, one, task)), None)
        if inference is None or inference.how != "complete":
            continue
        made, passed = know.tokens(inference), know.tokens(task)
        if made != passed:
            headline = f"{QUEEN} passed on {len(passed)} tokens of the {len(made)} that {WORKER} made"
            return Finding(QUEEN, "not passed on", headline, conversation(task), "tokens", task.number)
        run = next((run for run in facts.runs if run.pid == task.pid), None)
        if run is not None and run.code is not None and run.printed("stdout").rstrip("\n") != "".join(passed):
            headline = f"{KEEPER} did not print the {len(passed)} tokens that {QUEEN} passed on"
            return Finding(KEEPER, "not passed on", headline, f"{KEEPER} stdout", "tokens", task.number)
    return None


def _is_inference_of(facts: Facts, one: Exchange, task: Exchange) -> bool:
    if one.role != "worker" or one.path != "/v1/inference" or one.status != 200:
        return False
    tasks = [each for each in facts.exchanges if each.path == "/v2/tasks" and each.number < one.number]
    return bool(tasks) and tasks[-1] is task


def of_subject(facts: Facts) -> Finding | None:
    """The step looked at something last: whoever has made that has made it wrong, or not at all."""
    for subject in reversed(facts.failing.subjects):
        for finding in _of_subject(facts, dict(subject)):
            return finding
    return None


def _of_subject(facts: Facts, subject: dict[str, Any]) -> Iterator[Finding]:
    if "exchanges" in subject:
        yield from _of_exchanges(facts, subject)
    elif "program" in subject:
        yield from _of_program(facts, subject["program"])
    elif "rows" in subject:
        who = QUEEN if "beehives" in subject["rows"] else HIVE
        yield _value(facts, who, f"rows of {subject['rows']}")
    elif "processes" in subject:
        who = HIVE if subject["processes"] == WORKER else QUEEN if subject["processes"] == HIVE else KEEPER
        yield _value(facts, who, f"processes of {subject['processes']}")
    elif "events" in subject:
        who = QUEEN if subject["events"] in ("login", "command", "commanded") else UNKNOWN
        if who != UNKNOWN:
            yield _value(facts, who, subject["events"])


def _value(facts: Facts, who: str, place: str, exchange: int | None = None, where: str = "") -> Finding:
    failing = facts.failing
    what = failing.what or failing.text
    kind = "never came" if failing.never else "differs"
    headline = f"{who}: {what} never came" if failing.never else f"{who}: {what} is not what it should be"
    return Finding(who, kind, headline, where or who, place, exchange)


def asked_by(role: str | None, path: str) -> str:
    """Who asks for such a thing."""
    return next((who for of, pattern, who in ASKED_BY if of == role and re.match(pattern, path)), UNKNOWN)


def _of_exchanges(facts: Facts, subject: dict[str, Any]) -> Iterator[Finding]:
    numbers = subject["exchanges"]
    found = [one for one in facts.exchanges if one.number in numbers]
    what = f"{facts.failing.what} {facts.failing.text}"
    if not found:
        who = asked_by(subject.get("role"), str(subject.get("path", "")))
        if who != UNKNOWN:
            place = f"{subject.get('method', '')} {route(str(subject.get('path', '')))}"
            yield _value(facts, who, place, where=f"{who} → {subject.get('role')}")
        return
    last = found[-1]
    who = know.asker(last) if OF_REQUEST.search(facts.failing.what or what) else know.answerer(last)
    if who in PROGRAMS:
        yield _value(facts, who, route(last.path), last.number, conversation(last))


def _of_program(facts: Facts, program: str) -> Iterator[Finding]:
    failing = facts.failing
    if program != KEEPER or failing.what != EXIT_CODE:
        yield from _of_print(facts, program)
        return
    told = [one for one in facts.exchanges if know.asker(one) == KEEPER]
    error = next((one for one in reversed(told) if know.failed(one)), None)
    if failing.seen == "0" and error is None and told:
        yield _value(facts, know.answerer(told[-1]), "no error", told[-1].number, conversation(told[-1]))
    elif failing.wanted == "0" and error is not None:
        yield _failed(error)
    else:
        yield _value(facts, KEEPER, "exit code")


def _of_print(facts: Facts, program: str) -> Iterator[Finding]:
    """A line is missing in what a program printed. What it was told by another, and did not print, it has left out;
    what it was not told, the other has."""
    missing = [line for line in facts.failing.wanted.splitlines() if line not in facts.failing.seen.splitlines()]
    narration = NARRATION.match(missing[0]) if missing else None
    task = next((one for one in reversed(facts.exchanges) if know.asker(one) == KEEPER), None)
    if program != KEEPER or narration is None or task is None or narration[1] == KEEPER:
        yield _value(facts, program, "output")
        return
    told = any(payload.get("human") == narration[2] for payload in task.payloads)
    yield _value(facts, KEEPER if told else ACTORS.get(narration[1], WORKER), "narration")
