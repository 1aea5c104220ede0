"""Blank evidence: a Then step that passes is run again at once on evidence that shows nothing, on evidence that shows
what it says is not there, and with each thing that it says changed. It must fail every time: else it proves nothing."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import Any

from behave.matchers import Match
from behave.model import Step
from behave.runner import Context

from harness.evidence import Evidence
from harness.evidence.holding import hold
from harness.evidence.made_up import MadeUp
from harness.proof.changes import Said, changes, said
from harness.proof.reader import NotOnlyReading, Reader
from harness.runner.verdict import Unproven

Try = Callable[[Evidence, Said], Exception | None]


def watch(runner: Any, *, prove: bool) -> None:
    """From now on every Then step that behave's `runner` runs must read evidence and may only read; with `prove` each
    that passes must also be able to fail.

    It works for every definition, whatever module it stands in: And and But after Then are Then, and so is a definition
    for any keyword where a Then uses it."""
    registry = runner.step_registry  # not behave's global one: behave replaces that
    find = registry.find_match

    def find_match(step: Step) -> Match | None:
        match: Match | None = find(step)
        if type(match) is Match and step.step_type == "then":
            match.run = functools.partial(_run, match, step, prove)  # type: ignore[method-assign]
        return match

    registry.find_match = find_match


def _run(match: Match, step: Step, prove: bool, context: Context) -> None:
    """In the place of behave's Match.run: raises NotOnlyReading or Unproven, and whatever the step raises."""
    evidence = context.evidence if "evidence" in context else None
    if not isinstance(evidence, Evidence):
        raise NotOnlyReading("it has no context.evidence to read: before_scenario has opened no stage")
    sentence = said(match, step)
    reads, absences = evidence.reads, len(evidence.absences)
    hold(evidence, functools.partial(_call, match, context, evidence, sentence))
    if evidence.reads == reads:
        raise NotOnlyReading("it reads no evidence, so the product cannot make it fail: look at context.evidence")
    if not prove:
        return
    found = list(_problems(functools.partial(_try, match, context), evidence, sentence, evidence.absences[absences:]))
    step.proven = not found  # type: ignore[attr-defined] # for the runner's event log
    if found:
        raise Unproven("\n".join([f"unproven: {step.keyword} {step.name}", *found]))


def _call(match: Match, context: Context, evidence: Evidence, sentence: Said, **more: Any) -> None:
    positional = [value for name, value in sentence.arguments if name is None]
    named = {name: value for name, value in sentence.arguments if name is not None}
    reader = Reader(context, evidence=evidence, text=sentence.text, table=sentence.table, **more)
    with context.use_with_user_mode():
        match.func(reader, *positional, **named)


def _try(match: Match, context: Context, evidence: Evidence, sentence: Said) -> Exception | None:
    """What the step raises now; None when it passes. What it prints or attaches has been shown already."""
    try:
        with redirect_stdout(io.StringIO()):
            _call(match, context, evidence, sentence, attach=lambda *_: None)
    except Exception as error:
        return error
    return None


def _problems(
    attempt: Try, evidence: Evidence, sentence: Said, absences: list[tuple[str, MadeUp | None]]
) -> Iterator[str]:
    """Why the step proves nothing, or less than it says: one line each."""
    error = attempt(evidence.blank(), sentence)
    if error is None and not absences:
        yield "it passes on evidence that shows nothing; it should ask for something that the product has to do"
    if error is not None and not isinstance(error, AssertionError):
        yield f"on evidence that shows nothing it breaks with {_described(error)}; it should assert what is missing"
    yield from _true_problems(attempt, evidence.at_once(), sentence, absences)
    for what, counter in absences:
        yield from _absence_problems(attempt, evidence, sentence, what, counter)
    counters = [evidence.at_once(counter) for _, counter in absences if counter is not None]
    for what, others in changes(sentence):
        if not any(_matters(attempt, evidence, counters, other) for other in others):
            yield f"{what} could be anything: the step passes with another one, too"


def _true_problems(attempt: Try, evidence: Evidence, sentence: Said, absences: Sequence[object]) -> Iterator[str]:
    """What is wrong with the step on the true evidence: there it passes, and what it looks for it finds."""
    error = attempt(evidence, sentence)
    if error is not None:
        yield f"it does not pass when it is run again at once: {_described(error)}"
    elif evidence.in_vain and not absences:
        yield f"it looks for {evidence.in_vain[0]} and passes without: what is not there is for evidence.none(…) to say"


def _matters(attempt: Try, evidence: Evidence, counters: list[Evidence], other: Said) -> bool:
    """Whether the sentence with something changed is another one: it fails, or what is shown against the true one does
    not speak against it."""
    return attempt(evidence.at_once(), other) is not None or any(attempt(each, other) is None for each in counters)


def _absence_problems(
    attempt: Try, evidence: Evidence, sentence: Said, what: str, counter: MadeUp | None
) -> Iterator[str]:
    if counter is None:
        yield f"it says that there is no {what}, but names no made-up one (evidence.none(…, counter)) to fail on"
        return
    error = attempt(evidence.at_once(counter), sentence)
    if error is None:
        yield f"it says that there is no {what}, and passes when there is one: {counter}"
    elif not (isinstance(error, AssertionError) and "there should be no " in str(error)):
        yield f"it says that there is no {what}, and fails for another reason when there is one: {_described(error)}"


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no text'}"
