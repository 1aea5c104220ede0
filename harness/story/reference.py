"""The green run that a red one is held against."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from behave.model import Scenario

from harness.settings import Settings
from harness.story.facts import Event
from harness.trace import references
from harness.trace.normal import trace


def kind_of(scenario: Scenario, settings: Settings) -> references.Kind:
    """Of what kind a scenario's reference is."""
    return references.Kind(said(scenario), tuple(settings.replaced), settings.clock)


def keep_reference(scenario: Scenario, events: Sequence[Event], directory: Path, settings: Settings) -> None:
    """Keep what a green scenario with programs of the user's own looks like, for a red one to come. That it cannot be
    kept costs the scenario nothing."""
    with contextlib.suppress(OSError):
        things = trace(events, str(directory), real=settings.clock == "real")
        references.keep(kind_of(scenario, settings), things)


def said(scenario: Scenario) -> str:
    """All that the scenario's sentences say, with their texts and tables."""
    parts: list[str] = [scenario.name]
    for step in scenario.all_steps:
        parts += [step.name, step.text or ""]
        if step.table is not None:
            parts += [" ".join(step.table.headings), *(" ".join(row.cells) for row in step.table.rows)]
    return "\n".join(parts)
