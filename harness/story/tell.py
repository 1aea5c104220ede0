"""Where stories are made: in the attempt, when its scenario is red; in the runner, of an attempt that died."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from behave.model import Scenario, Step

from harness.expect import Differs
from harness.settings import Settings
from harness.story import record
from harness.story.facts import Event, Facts, Failing
from harness.story.reference import kind_of, said
from harness.trace import references
from harness.trace.blame import difference


def of_scenario(
    scenario: Scenario, events: Sequence[Event], directory: Path, subjects: Sequence[Any], settings: Settings
) -> dict[str, Any]:
    """The story of a scenario that is red, from what its stage has told so far. `subjects`: what its last step looked
    at."""
    step = next((step for step in scenario.all_steps if step.status.has_failed()), None)
    failing = _failing(scenario, step, step.exception if step else scenario.exception, subjects)
    return _made(scenario, Facts(up_to_end(events, failing.line), failing), directory, settings)


def of_spool(
    scenario: Scenario, spool: Path, directory: Path, line: int | None, reason: str, settings: Settings
) -> dict[str, Any]:
    """The story of a scenario whose attempt cannot tell it: what its stage told is read from `spool`. `line`: of the
    step in which it was."""
    events = read(spool)
    begun = [event["line"] for event in events if event["event"] == "step"]
    where = line or (begun[-1] if begun else None)
    step = next((step for step in scenario.all_steps if step.line == where), None)
    failing = Failing(where, _text(step) or "before its first step", _kind(step), error=reason, said=said(scenario))
    return _made(scenario, Facts(up_to_end(events, where), failing), directory, settings)


def _made(scenario: Scenario, facts: Facts, directory: Path, settings: Settings) -> dict[str, Any]:
    """The record, with the first difference from a green run where there is one to hold it against."""
    reference = references.load(kind_of(scenario, settings))
    found = None
    if reference is not None:
        real = settings.clock == "real"
        found = difference(facts.events, str(directory), reference, facts.failing.line, real=real)
    return record.make(facts, directory, found)


def read(spool: Path) -> list[dict[str, Any]]:
    """What happened on a stage, from the file that the world has written, or still writes; nothing without one."""
    for path in (spool, spool.with_name(f"{spool.name}.gz"), spool):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        lines = gzip.decompress(content) if path.suffix == ".gz" else content
        return [json.loads(line) for line in lines.split(b"\n")[:-1]]
    return []


def up_to_end(events: Sequence[Event], line: int | None) -> list[Event]:
    """The events up to the end of the step at `line`: the next step's begin, or that of the stage's closing."""
    found: list[Event] = []
    is_there = False
    for event in events:
        if event["event"] == "closing" or (is_there and event["event"] == "step"):
            break
        is_there = is_there or (event["event"] == "step" and event["line"] == line)
        found.append(event)
    return found


def _failing(scenario: Scenario, step: Step | None, error: BaseException | None, subjects: Sequence[Any]) -> Failing:
    fields: dict[str, Any] = {}
    if isinstance(error, Differs):
        fields = {"what": error.what, "wanted": error.wanted, "seen": error.seen, "never": error.never}
    text = f"{type(error).__module__}.{type(error).__name__}: {error}" if error else ""
    plain = str(error) if isinstance(error, AssertionError) else text
    return Failing(
        step.line if step else None,
        _text(step) or "before its first step",
        _kind(step),
        error=plain,
        subjects=list(subjects),
        said=said(scenario),
        **fields,
    )


def _text(step: Step | None) -> str:
    return f"{step.keyword} {step.name}" if step is not None else ""


def _kind(step: Step | None) -> str:
    return str(step.step_type) if step is not None else "given"
