"""Which scenarios a run consists of, and in which order they are begun."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.model import Examples, Feature, Scenario, ScenarioOutline
from behave.model_type import FileLocation

from harness.runner.options import WrongUse


class Rowless(Scenario):
    """Stands for examples without rows, of which behave makes no scenario: they are planned, and their verdict says
    that they show nothing."""

    def __init__(self, outline: ScenarioOutline, examples: Examples | None) -> None:
        place = examples or outline
        name = f"{outline.name} -- {examples.name or examples.keyword}" if examples else outline.name
        super().__init__(place.filename, place.line, outline.keyword, name, [], parent=outline)  # type: ignore[no-untyped-call]
        self.feature = outline.feature
        self.should_skip = outline.should_skip
        self.tags = [*outline.tags, *(examples.tags if examples else [])]


@dataclass(frozen=True)
class Planned:
    """One scenario of the plan. number: its place in the order of the files, from 1."""

    number: int
    feature: Feature
    scenario: Scenario

    @property
    def location(self) -> str:
        """Its address: `file:line`."""
        return str(self.scenario.location)

    @property
    def key(self) -> str:
        """Its name in the history. Without the line: that moves when something is written above."""
        return f"{self.scenario.filename}::{self.scenario.name}"

    def waits(self, tag: str) -> bool:
        """Whether it mostly waits: it has this tag. The empty one nobody has."""
        return tag in self.scenario.effective_tags


@dataclass(frozen=True)
class Plan:
    """planned: in the order of the files. left_out: what left scenarios out → how many."""

    planned: list[Planned]
    left_out: dict[str, int]


def make(features: Sequence[Feature], config: Any) -> Plan:
    """The plan for what is addressed, tagged and named as behave's configuration asks. Raises WrongUse when that is
    nothing."""
    planned: list[Planned] = []
    left_out: Counter[str] = Counter()
    first_left_out = ""
    scenarios = [(feature, scenario) for feature in features for scenario in feature.walk_scenarios()]
    for feature, scenario in scenarios:
        if scenario.should_skip:
            continue  # another one was addressed
        if not scenario.should_run_with_tags(config.tag_expression):
            left_out[_tags_text(config)] += 1
            first_left_out = first_left_out or f"{scenario.location} {scenario.name}"
        elif not scenario.should_run_with_name_select(config):
            left_out[f"--name {' '.join(config.name)}"] += 1
        else:
            planned.append(Planned(len(planned) + 1, feature, scenario))
    if not planned:
        raise WrongUse(_nothing_to_run(len(scenarios), left_out, first_left_out))
    return Plan(planned, dict(left_out))


def add_rowless(feature: Feature) -> None:
    """Give each outline a scenario for every examples of its without rows, or for itself when it has no examples."""
    for outline in feature.iter_scenario_outlines():
        scenarios = outline.scenarios  # behave builds them when they are asked for
        empty = [each for each in outline.examples if each.table is None or not each.table.rows]
        if len(empty) < len(outline.examples):
            scenarios += [Rowless(outline, each) for each in empty]
            scenarios.sort(key=lambda scenario: scenario.line)
        elif not scenarios:
            scenarios.append(Rowless(outline, None))


def rows_at(feature: Feature, line: int | None) -> list[int]:
    """The lines of the rows that are meant by the line of their `Examples:` or of what stands above the first of them;
    none where the line is anywhere else."""
    for outline in feature.iter_scenario_outlines():
        for examples in outline.examples:
            rows = [row.line for row in examples.table.rows] if examples.table is not None else []
            if line and rows and examples.line <= line < rows[0]:
                return rows
    return []


def check_addresses(locations: Sequence[FileLocation], features: Sequence[Feature]) -> None:
    """Raises WrongUse for an address (`file:line`) past the last scenario of its file: behave would run that one."""
    for location in locations:
        if location.line and location.line > _last_line(Path(location.filename)):
            raise WrongUse(f"{location} is past the last scenario; {_nearest(location, features)}")


def in_order(
    planned: Sequence[Planned], order: str, seed: int, durations_s: Mapping[str, float], waiting_tag: str = ""
) -> list[Planned]:
    """The scenarios in the order in which they are begun.

    order: `plan`, as they stand; `longest`, by their last duration, unknown ones first; `random`, the same for the same
    seed. First of all come those with `waiting_tag`."""
    begun = list(planned)
    if order == "longest":
        begun.sort(key=lambda each: durations_s.get(each.key, float("inf")), reverse=True)
    elif order == "random":
        random.Random(seed).shuffle(begun)
    begun.sort(key=lambda each: not each.waits(waiting_tag))
    return begun


def containers(scenario: Scenario) -> Iterator[Any]:
    """What the scenario is part of, from the inside out: outline, rule, feature."""
    container = scenario.parent
    while container is not None:
        yield container
        container = container.parent


def _tags_text(config: Any) -> str:
    """What left scenarios out: `@wip` where the expression is `not @wip`, else the expression."""
    tags = config.tags
    expression = tags if isinstance(tags, str) else " and ".join(tags)
    name = expression.removeprefix("not ").strip()
    return (
        f"@{name.removeprefix('@')}" if expression.startswith("not ") and " " not in name else f"--tags='{expression}'"
    )


def _nothing_to_run(found: int, left_out: Mapping[str, int], first: str) -> str:
    if not left_out:
        return f"nothing to run: {found} scenarios found"
    reasons = ", ".join(f"{count} left out by {reason}" for reason, count in left_out.items())
    return f"nothing to run: {found} scenarios found, {reasons}{f' (such as {first})' if first else ''}"


def _last_line(path: Path) -> int:
    """The last line of a feature file that says something: it belongs to the last scenario."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return max((n for n, line in enumerate(lines, 1) if line.strip() and not line.strip().startswith("#")), default=0)


def _nearest(location: FileLocation, features: Sequence[Feature]) -> str:
    path = os.path.abspath(location.filename)
    scenarios = [each for f in features if os.path.abspath(f.filename) == path for each in f.walk_scenarios()]
    if not scenarios:
        return "the file has no scenario"
    nearest = max(scenarios, key=lambda scenario: scenario.line)
    return f"the nearest is {nearest.location} {nearest.name}"
