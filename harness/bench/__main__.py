"""scripts/bench: measures, and writes docs/performance.md."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.bench import checks
from harness.bench.measure import Failed, Thing, compare, cost_of, mean
from harness.bench.page import Grown, page
from harness.bench.parts import Watcher

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "performance.md"
FEATURE = "test-001.feature"
JOBS = 2  # at the same time, where growth is measured


def main(arguments: Sequence[str]) -> int:
    """Measure and write the page; the exit code: 1 when something that is measured fails."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each command (%(default)s)")
    parser.add_argument("--growth", type=int, nargs="+", default=[4, 16], help="times the feature (%(default)s)")
    parser.add_argument("--checks", type=int, default=0, help="times scripts/test, and nothing else")
    parser.add_argument("commit", help="what the page says was measured")
    chosen = parser.parse_args(arguments)
    old = PAGE.read_text(encoding="utf-8")
    try:
        if chosen.checks:
            new = checks.put(old, measured_checks(chosen.checks))
        else:
            things = promised()
            figures = compare(things, chosen.runs)
            new = checks.put(page(things, figures, grow(chosen.growth), chosen.commit), checks.kept(old))
    except Failed as failure:
        print(f"scripts/bench: {failure}", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


def measured_checks(runs: int) -> str:
    """The section on scripts/test, from so many runs of it. Raises Failed."""
    thing = Thing("scripts/test", [str(PROJECT / "scripts" / "test")], PROJECT)
    return checks.section(compare([thing], runs)[thing.name])


def promised() -> list[Thing]:
    """The commands that the promises speak of, and what else is worth a comparison."""
    behave = [sys.executable, "-m", "behave"]
    suite = [
        Thing(f"the suite, `-j {jobs}`", [*behave, "-j", str(jobs)], PROJECT, limit_f)
        for jobs, limit_f in ((1, 36.0), (2, 20.0), (3, 18.0))
    ]
    return [
        Thing("scenario 949 from cold", [*behave, f"features/{FEATURE}:949"], PROJECT, 5.0),
        Thing("scenario 949, everything exec'd", [*behave, "-D", "warm=no", f"features/{FEATURE}:949"], PROJECT),
        *suite,
        Thing("the suite, `-j 3`, nodes by addresses", [*behave, "-j", "3", "-D", "isolation=addresses"], PROJECT),
    ]


def grow(times: Sequence[int]) -> list[Grown]:
    """The feature once, and then so many times in one run, each beside the feature once before and after it: what the
    machine does for minutes cannot be told by an F. Raises Failed."""
    before = feature_times(1)
    growth = [before]
    for number in times:
        many, after = feature_times(number), feature_times(1)
        growth.append(replace(many, each=many.cost.wall_s / number / mean(before.cost, after.cost).wall_s))
        before = after
        print(f"{number} times the feature: {growth[-1].each:.2f} times the cost of each", file=sys.stderr)
    return growth


def feature_times(times: int) -> Grown:
    """One run with the feature `times` times, in a copy of the project's features. Raises Failed."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        shutil.copy(PROJECT / "setup.cfg", directory)
        shutil.copytree(PROJECT / "features", directory / "features", ignore=shutil.ignore_patterns("*.feature"))
        for number in range(times):
            shutil.copy(PROJECT / "features" / FEATURE, directory / "features" / f"{number:02}.feature")
        variables = {"PYTHONPATH": str(PROJECT)}
        thing = Thing(f"{times} times", [sys.executable, "-m", "behave", "-j", str(JOBS)], directory, None, variables)
        watcher = Watcher()
        return Grown(times, cost_of(thing, watcher.follow), watcher.parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
