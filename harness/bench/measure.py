"""Measuring commands beside F, so that a figure of one machine means something on another."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

F = (sys.executable, "-c", "import flask")
WARM_UP = 2  # runs of F before the first that counts: the files of the library are read from the disk then


class Failed(Exception):
    """A command that is to be measured does not do its work; the text says which, and what it said last."""


@dataclass(frozen=True)
class Cost:
    """What one run of a command took: real seconds, processor seconds of it and all below it, and processes and threads
    that began on the machine meanwhile. said: what it printed."""

    wall_s: float
    cpu_s: float
    begun: int
    said: str = ""


@dataclass(frozen=True)
class Thing:
    """A command whose cost is of interest, in the directory where it runs. limit_f: what is promised, or None."""

    name: str
    command: Sequence[str]
    directory: Path
    limit_f: float | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Figures:
    """What the runs of a thing have shown, each beside the mean of the F before and the F after it."""

    costs: list[Cost] = field(default_factory=list)
    beside: list[Cost] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Real time in F, run by run."""
        return [cost.wall_s / f.wall_s for cost, f in zip(self.costs, self.beside, strict=True)]

    @property
    def cpu_ratio(self) -> float:
        """The median of the processor time, in processor time of F."""
        return median(cost.cpu_s / f.cpu_s for cost, f in zip(self.costs, self.beside, strict=True))

    @property
    def spread(self) -> float:
        """How far the ratios lie apart, in parts of their median."""
        return (max(self.ratios) - min(self.ratios)) / median(self.ratios)


def cost_of(thing: Thing, watch: Callable[[int], None] | None = None) -> Cost:
    """Run a command to its end, which `watch` may follow by its pid. Raises Failed when it ends with another code than
    0."""
    before, begun, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), _begun(), time.monotonic()
    environment = {**os.environ, **thing.variables}
    with subprocess.Popen(
        thing.command, cwd=thing.directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        if watch is not None:
            watch(process.pid)
        said = process.communicate()[0].decode(errors="replace")
    wall_s, after = time.monotonic() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise Failed(f"{thing.name}: exit code {process.returncode}\n{said[-2000:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall_s, cpu_s, _begun() - begun, said)


def compare(things: Sequence[Thing], runs: int) -> dict[str, Figures]:
    """Run all things `runs` times, in turns and with F between them; the figures by name. Raises Failed."""
    f = Thing("F", F, Path.cwd())
    for _ in range(WARM_UP):
        cost_of(f)
    figures = {thing.name: Figures() for thing in things}
    before = cost_of(f)
    for run in range(runs):
        for thing in things:
            cost, after = cost_of(thing), cost_of(f)
            figures[thing.name].costs.append(cost)
            figures[thing.name].beside.append(mean(before, after))
            before = after
            print(f"{run + 1}/{runs} {thing.name}: {figures[thing.name].ratios[-1]:.1f} F", file=sys.stderr)
    return figures


def mean(one: Cost, other: Cost) -> Cost:
    """What is between two costs."""
    return Cost((one.wall_s + other.wall_s) / 2, (one.cpu_s + other.cpu_s) / 2, (one.begun + other.begun) // 2)


def _begun() -> int:
    """How many processes and threads have begun since the machine started."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("processes "))
