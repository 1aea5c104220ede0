"""docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.bench.measure import Cost, Figures, Thing
from harness.bench.parts import Parts


@dataclass(frozen=True)
class Grown:
    """A run with the feature `times` times. each: what one of them cost, in that of one alone in its run."""

    times: int
    cost: Cost
    parts: Parts
    each: float = 1.0


def page(things: Sequence[Thing], figures: Mapping[str, Figures], growth: Sequence[Grown], commit: str) -> str:
    """The page. growth: the run with the feature once, and then others."""
    parts = _parts(growth[0].parts)
    return "\n".join([*_head(figures, commit), *_costs(things, figures), *parts, *_growth(growth), ""])


def _head(figures: Mapping[str, Figures], commit: str) -> list[str]:
    f = [cost for each in figures.values() for cost in each.beside]
    return [
        "# Performance",
        "",
        'Written by `scripts/bench`. **F** is one `python -c "import flask"`, run before and after each command; a',
        "figure is the command's real time in the mean of the two, and so says more than seconds of one machine do. It",
        "is good only on a machine that does nothing else: where others work, F, which is one process, fares better",
        "than a suite.",
        "",
        f"Commit {commit}, Python {platform.python_version()}, {os.cpu_count()} processors, load at the end "
        f"{os.getloadavg()[1]:.1f}. F was {median(each.wall_s for each in f) * 1000:.0f} ms, "
        f"{median(each.cpu_s for each in f) * 1000:.0f} ms of it processor time.",
        "",
    ]


def _costs(things: Sequence[Thing], figures: Mapping[str, Figures]) -> list[str]:
    lines = [
        "## What it costs",
        "",
        "| what | runs | median | least | spread | promised | processor time in F's | processes and threads |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for thing in things:
        of = figures[thing.name]
        promised = "" if thing.limit_f is None else f"at most {thing.limit_f:g} F"
        begun = median(cost.begun for cost in of.costs)
        lines.append(
            f"| {thing.name} | {len(of.costs)} | **{median(of.ratios):.1f} F** | {min(of.ratios):.1f} F "
            f"| {of.spread:.0%} | {promised} | {of.cpu_ratio:.1f} | {begun:.0f} |"
        )
    return [*lines, "", "Processes and threads are those of the whole machine.", ""]


def _parts(parts: Parts) -> list[str]:
    total_s = sum(parts.cpu_s.values())
    lines = [
        "## Where the time goes",
        "",
        "Processor time of one run of the feature; what a process does in its last 50 ms is not seen.",
        "",
        "| part | seconds | of all |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {part} | {cpu_s:.2f} | {cpu_s / total_s:.0%} |"
        for part, cpu_s in sorted(parts.cpu_s.items(), key=_seconds, reverse=True)
    ]
    return [*lines, ""]


def _growth(growth: Sequence[Grown]) -> list[str]:
    lines = [
        "## Growth",
        "",
        "The feature several times in one run; for each of them beside the feature alone, run before and after it.",
        "Promised: at most 1.1 times the cost, and memory that stays.",
        "",
        "| feature | seconds | for each feature | runner | world | warm parent |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for run in growth:
        memory = " | ".join(f"{run.parts.memory_mb[part]} MB" for part in ("runner", "world", "warm parent"))
        lines.append(f"| {run.times} times | {run.cost.wall_s:.1f} | {run.each:.2f} times | {memory} |")
    return lines


def _seconds(item: tuple[str, float]) -> float:
    return item[1]
