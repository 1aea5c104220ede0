"""Reference traces: written from a green run of the stand-ins, or held against many.

    python -m harness.trace.command [--times N] [--page FILE --commit TEXT]

Without --times the suite is run once, one scenario at a time, and its traces become the references in the repository.
With it the suite is run N times, in turn one at a time, three at a time, and beside as many processes that burn as
there are processors, and every green scenario is held against its reference."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from behave.parser import parse_file

from harness.proof.null_products import FEATURE, PROJECT, run
from harness.report import log
from harness.story import tell
from harness.story.reference import said
from harness.trace import references
from harness.trace.compare import Difference, first_difference
from harness.trace.normal import Thing, trace

BEGIN, END = "<!-- figures: scripts/traces -->\n", "<!-- end of figures: scripts/traces -->"
BURNS = "while True: pass"


@dataclass
class Held:
    """What came of the runs. greens: how many green scenarios were held against their references. differing: location →
    the differences that there were. reds: how many were not green."""

    runs: Counter[str] = field(default_factory=Counter)
    greens: int = 0
    reds: int = 0
    differing: dict[str, list[Difference]] = field(default_factory=dict)


def kinds() -> dict[str, references.Kind]:
    """Location → of what kind the scenario's reference is, with the stand-ins."""
    where = FEATURE.relative_to(PROJECT)
    scenarios = parse_file(str(FEATURE)).walk_scenarios()
    return {f"{where}:{each.line}": references.Kind(said(each), (), "stage") for each in scenarios}


def traces(directory: Path) -> dict[str, list[Thing] | None]:
    """Location → the trace of each scenario of the run in `directory`; None of one that was not green."""
    found: dict[str, list[Thing] | None] = {}
    for event in log.read(directory / "events.jsonl"):
        if event["event"] == "verdict":
            events = tell.read(directory / "stages" / f"{event['number']}.jsonl")
            own = trace(events, str(directory / str(event["number"]) / "stage"), real=False)
            found[event["location"]] = own if event["verdict"] == "passed" else None
    return found


def write(directory: Path) -> int:
    """Make the traces of the run in `directory` the references; how many there are. Raises SystemExit when one is not
    green: then nothing is written."""
    found, of = traces(directory), kinds()
    red = [where for where, things in found.items() if things is None]
    if red or found.keys() != of.keys():
        sys.exit(f"traces: nothing written: not green are {', '.join(red) or 'scenarios that were not run'}")
    references.OWN.mkdir(exist_ok=True)
    for old in references.OWN.glob("*.json.gz"):
        old.unlink()
    for where, things in found.items():
        (references.OWN / f"{of[where].key}.json.gz").write_bytes(references.packed(things or []))
    return len(found)


def hold(directory: Path, held: Held) -> None:
    """Hold the green scenarios of a run against their references."""
    of = kinds()
    for where, things in traces(directory).items():
        if things is None:
            held.reds += 1
            continue
        held.greens += 1
        reference = references.load(of[where])
        found = first_difference(things, reference or [], None)
        if found is not None:
            held.differing.setdefault(where, []).append(found)


@contextlib.contextmanager
def burning(count: int) -> Iterator[None]:
    """So many processes that do nothing but use a processor."""
    burners = [subprocess.Popen([sys.executable, "-c", BURNS]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def page(held: Held, commit: str) -> str:
    """The figures for docs/proof.md."""
    runs = ", ".join(f"{count} {how}" for how, count in held.runs.items())
    differing = sum(map(len, held.differing.values()))
    lines = [
        "| runs | green scenarios held against their reference | of which differ | not green |",
        "|---|---|---|---|",
        f"| {runs} | {held.greens} | **{differing}** | {held.reds} |",
        "",
        f"By `scripts/traces --times {held.runs.total()}` on {datetime.now(UTC):%Y-%m-%d} at commit {commit}.",
    ]
    for where, found in held.differing.items():
        lines.append(f"{where} differed {len(found)} times: {found[0].thing.channel}.")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the references, or hold runs against them. Returns 0, or 1 when a green scenario differs."""
    parser = argparse.ArgumentParser(prog="scripts/traces", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=0, help="run the suite so often, and hold it against them")
    parser.add_argument("--page", type=Path, help="write the figures into this page")
    parser.add_argument("--commit", default="unknown", help="of the sources, for the page")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the run under way is ended, too
    with tempfile.TemporaryDirectory(prefix="rt-") as temporary:
        if not chosen.times:
            run(Path(temporary, "0"), {"jobs": 1})
            print(f"traces: {write(Path(temporary, '0'))} references written to {references.OWN.relative_to(PROJECT)}")
            return 0
        held = _held(chosen.times, Path(temporary))
    text = page(held, chosen.commit)
    print(text)
    if chosen.page:
        old = chosen.page.read_text(encoding="utf-8")
        new = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}{text}{END}", old, flags=re.DOTALL)
        chosen.page.write_text(new, encoding="utf-8")
    return 1 if held.differing else 0


def _held(times: int, temporary: Path) -> Held:
    held = Held()
    ways = (("one at a time", 1, 0), ("three at a time", 3, 0), ("beside burners", 3, len(os.sched_getaffinity(0))))
    for number in range(times):
        how, jobs, burners = ways[number % len(ways)]
        directory = temporary / str(number)
        with burning(burners):
            run(directory, {"jobs": jobs})
        hold(directory, held)
        held.runs[how] += 1
        print(f"{number + 1}: {how}: {sum(map(len, held.differing.values()))} of {held.greens} differ", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
