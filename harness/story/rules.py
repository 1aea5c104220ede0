"""Who did what wrong, found by rules alone, the most certain first: a program could not be started, or died; one did
not answer; an exchange failed; what was told was not passed on; something never came; a value differs."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from itertools import pairwise

from harness import fixtures
from harness.evidence.exchanges import Exchange
from harness.story import facts as know
from harness.story.facts import HIVE, KEEPER, OPERATOR, PROGRAMS, QUEEN, WORKER, Facts
from harness.story.finding import EXIT_CODE, UNKNOWN, Finding, conversation, failure, how_ended, route, value
from harness.story.owners import looked_at, of_subject

CRASHED = re.compile(r"crashed \(exit code (-?\d+)\)")  # what a hive says of a worker
INSTALLED = re.compile(r"\[Errno \d+\] ([\w ]+): '\S*/\.local/bin/([\w-]+)'")
MUCH_TOO_LONG_US = 1_000_000
OF_REQUEST_ITSELF = re.compile(r"^(the request|the Authorization|its Authorization)\b")
FOLLOWED = ("/v1/logs", "/v2/logs", "/v1/loading/progress", "/v1/models/download/progress")  # they end when all does
OF_ANSWER_ITSELF = re.compile(r"^the answer to\b")


def find(facts: Facts) -> Finding:
    """What the first rule says that has something to say."""
    return next((finding for rule in RULES if (finding := rule(facts))), unknown(facts))


def unknown(facts: Facts) -> Finding:
    """No rule has anything to say."""
    return Finding(UNKNOWN, "differs", facts.failing.what or facts.failing.text, place=facts.failing.text)


def not_started(facts: Facts) -> Finding | None:
    """A program that the user's has installed cannot be started."""
    found = INSTALLED.search(facts.failing.error)
    if found is None:
        return None
    why, program = found.groups()
    return Finding(KEEPER, "not started", f"{KEEPER} has installed a {program} that cannot be started: {why}", program)


def died(facts: Facts) -> Finding | None:
    """A program that serves others has ended, and nobody told it to; or the user's was killed."""
    for run in facts.runs:
        if run.code is None or run.pid in facts.signaled or run.program not in PROGRAMS:
            continue
        serves = (run.program == QUEEN or "daemon" in " ".join(run.argv)) and not run.over_ssh
        has_failed = run.code != 0 and (serves or (run.over_ssh and "daemon" in " ".join(run.argv)))
        if (run.code < 0 or serves or has_failed) and not {"--help", "--version"} & set(run.argv):
            headline = f"{run.program} on {run.node} ended by itself ({how_ended(run.code)})"
            return Finding(run.program, "died", headline, run.program, how_ended(run.code))
    for event in facts.events:
        crash = CRASHED.search(event["text"]) if event["event"] == "output" and event["program"] == HIVE else None
        if crash and int(crash[1]) not in (0, -signal.SIGKILL) and not facts.signaled:
            how = how_ended(int(crash[1]))
            return Finding(WORKER, "died", f"{WORKER} on {event['node']} ended by itself ({how})", WORKER, how)
    for one in facts.exchanges:
        if one.how == "broken" and one.number not in facts.struck and not facts.signaled:
            who = know.answerer(one)
            headline = f"{who} broke off its answer to {know.asker(one)}'s {one.method} {route(one.path)}"
            return Finding(who, "died", headline, conversation(one), "broken", one.number)
    return None


def unanswered(facts: Facts) -> Finding | None:
    """The scenario did not get on: somebody asks, and has no answer. Of several the one who was asked last: who asks
    waits for whom it asks."""
    if facts.failing.kind == "then" and not facts.is_cut:
        return None
    waiting = [one for one in facts.exchanges if _is_waiting(facts, one)]
    silent = [one for one in waiting if one.status is None] or waiting
    if not silent:
        return None
    one = silent[-1]
    who, whose = know.answerer(one), f"{know.asker(one)}'s {one.method} {route(one.path)}"
    if one.how == "refused":
        headline = f"{who} does not listen at {one.node or one.host}:{one.port}, where {know.asker(one)} asks it"
    elif one.status is None:
        headline = f"{who} did not answer {whose}"
    else:
        headline = f"{who} fell silent in its answer to {whose}, after {len(one.events)} events"
    return Finding(who, "never came", headline, conversation(one), "answer", one.number)


def _is_waiting(facts: Facts, one: Exchange) -> bool:
    """Whether somebody waits for this answer, or the scenario itself has waited in vain."""
    if one.number in facts.struck or one.port == know.SSH_PORT or one.path.startswith(FOLLOWED):
        return False
    is_last = one is facts.exchanges[-1] and know.asker(one) == OPERATOR
    return one.how is None or (is_last and one.status is None)


def request_differs(facts: Facts) -> Finding | None:
    """The step says that a request is another one than it should be: that is certain, whatever came of it."""
    one = looked_at(facts)
    if one is not None and OF_REQUEST_ITSELF.search(facts.failing.what):
        return value(facts, know.asker(one), "request", one)
    if one is not None and OF_ANSWER_ITSELF.search(facts.failing.what):
        return value(facts, know.answerer(one), "answer", one)
    return None


def changed_on_the_way(facts: Facts) -> Finding | None:
    """The queen asks a hive or a worker for another thing than she was asked for."""
    task: Exchange | None = None
    for one in facts.exchanges:
        if one.role == "queen" and one.path == "/v2/tasks":
            task = one
        if task is None or know.asker(one) != QUEEN or one.path not in ("/v1/inference", "/v1/workers/spawn"):
            continue
        wanted, sent = task.sent, one.sent
        if not isinstance(wanted, dict) or not isinstance(sent, dict) or wanted.get("prompt") != fixtures.PROMPT:
            continue
        for name in wanted.keys() & sent.keys():
            if wanted[name] != sent[name]:
                headline = f"{QUEEN} was asked for {name} {wanted[name]}, and asked for {sent[name]}"
                return Finding(QUEEN, "differs", headline, conversation(one), name, one.number)
    return None


def waited_too_long(facts: Facts) -> Finding | None:
    """Something took too long: whoever spoke first after the longest silence has let all wait."""
    if not re.search(r"was there after|the wait|^the time", f"{facts.failing.what} {facts.failing.error}"):
        return None
    if _seconds(facts.failing.seen) < _seconds(facts.failing.wanted):
        return None
    began_us = _acting_us(facts)
    asked = [one for one in facts.exchanges if know.asker(one) in (KEEPER, QUEEN) and one.asked_at_us >= began_us]
    gaps = [(other.asked_at_us - one.asked_at_us, other) for one, other in pairwise(asked)]
    longest_us, one = max(gaps, key=lambda gap: gap[0], default=(0, None))
    if one is None or longest_us < MUCH_TOO_LONG_US:
        return None
    return value(facts, know.asker(one), "time", one)


def _seconds(text: str) -> float:
    """A time as checks say it, `2.5 s`; 0 for anything else."""
    match = re.fullmatch(r"([\d.]+) s", text)
    return float(match[1]) if match else 0.0


def _acting_us(facts: Facts) -> int:
    acting = [event["at_us"] for event in facts.events if event["event"] == "step" and event.get("kind") == "when"]
    return acting[-1] if acting else 0


def exchange_failed(facts: Facts) -> Finding | None:
    """An exchange has failed that was not meant to: the sentences of the scenario speak of no such failure. Of several
    the one that is farthest down: who asks fails because of whom it asks."""
    if facts.failing.what == EXIT_CODE and facts.failing.wanted != "0":
        return None  # it was to fail
    for one in facts.exchanges:
        if know.asker(one) in (KEEPER, OPERATOR) and _is_bad(facts, one):
            deepest = _deepest(facts, one)
            return failure(deepest)
    return None


def _is_bad(facts: Facts, one: Exchange) -> bool:
    if one.number in facts.struck or one.how == "refused":
        return False
    if one.status is not None and one.status >= 400:
        is_own = one.status >= 500 or not facts.is_to_fail
        return is_own and not _is_meant(facts, one)
    if one.how == "complete" and know.is_stream(one) and not one.end_mark:
        return True
    if one.how == "left" and not one.end_mark and not facts.signaled:  # it was given up
        return know.asker(one) == QUEEN or (know.asker(one) == KEEPER and one.status is None)
    return know.told_error(one) is not None and not facts.is_to_fail and not _is_meant(facts, one)


def _is_meant(facts: Facts, one: Exchange) -> bool:
    error, status = know.told_error(one) or {}, one.status or 0
    return str(error.get("code")) in facts.figures or (status >= 400 and str(status) in facts.figures)


def _deepest(facts: Facts, one: Exchange) -> Exchange:
    """The failed exchange on which this one hangs."""
    below = [
        each
        for each in facts.exchanges
        if each.number > one.number and know.asker(each) == know.answerer(one) and _is_bad(facts, each)
    ]
    return _deepest(facts, below[-1]) if below else one


def not_passed_on(facts: Facts) -> Finding | None:
    """The tokens of the worker are not those that the queen passed on, or those that the keeper printed."""
    for task in facts.exchanges:
        if task.role == "queen" and task.path.startswith("/v2/logs"):
            log = next((one for one in facts.exchanges if one.path.startswith("/v1/logs")), None)
            lines = [data for _, data in log.events] if log is not None else []
            if log is not None and [data for _, data in task.events] != lines:
                headline = f"{QUEEN} passed on {len(task.events)} lines of the {len(lines)} in the log of {HIVE}"
                return Finding(QUEEN, "not passed on", headline, conversation(task), "lines", task.number)
        if task.role != "queen" or task.path != "/v2/tasks" or not _was_told_all(task):
            continue
        inference = next((one for one in reversed(facts.exchanges) if _is_inference_of(facts, one, task)), None)
        if inference is None or not _was_told_all(inference):
            continue
        made, passed = know.tokens(inference), know.tokens(task)
        if made != passed:
            headline = f"{QUEEN} passed on {len(passed)} tokens of the {len(made)} that {WORKER} made"
            return Finding(QUEEN, "not passed on", headline, conversation(task), "tokens", task.number)
        run = next((run for run in facts.runs if run.pid == task.pid), None)
        if run is not None and run.code is not None and "".join(passed) not in run.printed("stdout"):
            headline = f"{KEEPER} did not print the {len(passed)} tokens that {QUEEN} passed on"
            return Finding(KEEPER, "not passed on", headline, f"{KEEPER} stdout", "tokens", task.number)
    return None


def _was_told_all(one: Exchange) -> bool:
    """Whether its asker got all of the answer: behind the end mark he may go before the connection is closed."""
    return one.how == "complete" or one.end_mark


def _is_inference_of(facts: Facts, one: Exchange, task: Exchange) -> bool:
    if one.role != "worker" or one.path != "/v1/inference" or one.status != 200:
        return False
    tasks = [each for each in facts.exchanges if each.path == "/v2/tasks" and each.number < one.number]
    return bool(tasks) and tasks[-1] is task


RULES: tuple[Callable[[Facts], Finding | None], ...] = (
    not_started,
    died,
    unanswered,
    request_differs,
    changed_on_the_way,
    waited_too_long,
    exchange_failed,
    not_passed_on,
    of_subject,
)
