"""docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from statistics import median

from harness.bench.measure import Figures, Thing
from harness.bench.parts import Parts


def page(
    things: Sequence[Thing], figures: Mapping[str, Figures], growth: Mapping[int, tuple[Figures, Parts]], commit: str
) -> str:
    """The page. growth: how often the feature was run in a run → its figures and parts."""
    return "\n".join([*_head(figures, commit), *_costs(things, figures), *_parts(growth), *_growth(growth)]) + "\n"


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


def _parts(growth: Mapping[int, tuple[Figures, Parts]]) -> list[str]:
    _, parts = growth[min(growth)]
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


def _growth(growth: Mapping[int, tuple[Figures, Parts]]) -> list[str]:
    least = min(growth)
    base = median(growth[least][0].ratios) / least
    lines = [
        "## Growth",
        "",
        "The feature several times in one run. Promised: at most 1.1 times the cost, and memory that stays.",
        "",
        "| feature | in all | for each feature | runner | world | warm parent |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for times, (figures, parts) in growth.items():
        all_f = median(figures.ratios)
        memory = " | ".join(f"{parts.memory_mb[part]} MB" for part in ("runner", "world", "warm parent"))
        lines.append(f"| {times} times | {all_f:.1f} F | {all_f / times / base:.2f} times | {memory} |")
    return lines


def _seconds(item: tuple[str, float]) -> float:
    return item[1]
