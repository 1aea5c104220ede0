"""The story of a red scenario: a record that tells people more than the verdict. The runner carries it to the verdict's
event, and does not understand it.

Whoever has a story to tell sets it on the scenario, as `scenario.story`, in the attempt; JSON has to be able to say it.
An attempt that has died, or does not know that it is red, cannot: its story is made in the runner, by whoever was named
with `of_the_dead`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.model import Scenario

from harness.runner.under_way import Attempt
from harness.runner.verdict import PASSED, SKIPPED, UNDEFINED, Verdict

Story = dict[str, Any]


@dataclass(frozen=True)
class Dead:
    """An attempt that has told no story. step: the line of the step in which it was; None outside of steps."""

    scenario: Scenario
    directory: Path
    verdict: Verdict
    step: int | None


_makers: list[Callable[[Dead], Story | None]] = []


def of_the_dead(make: Callable[[Dead], Story | None]) -> None:
    """To be called in `before_all`: have the stories of attempts that told none made by `make`, which may say None."""
    _makers[:] = [make]


def of_attempt(attempt: Attempt, final: Verdict, note: Callable[[str], object]) -> Story | None:
    """The story that belongs to this verdict: what the attempt has told, or what is told in its place. Whoever tells
    that is not the runner's and must not cost a verdict: what it raises is given to `note`, as a sentence."""
    if final.word in (PASSED, SKIPPED, UNDEFINED):  # of a step that there is not, there is nothing to be told
        return None
    if attempt.told and attempt.told["story"]:
        own: Story = attempt.told["story"]
        return own
    try:
        dead = Dead(attempt.planned.scenario, attempt.setting.directory, final, attempt.line)
        return _makers[0](dead) if _makers else None
    except Exception as error:
        note(f"no story of {attempt.planned.location}: {error!r}")
        return None
