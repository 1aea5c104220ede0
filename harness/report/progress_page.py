"""docs/progress.md: what a run has shown, written from its event log and never by hand."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.report import log
from harness.report.log import Event

FEATURE = "test-001.feature"
SCENARIOS = 62
# The plan's phases and the lines of the scenarios that show them; no lines: all.
PHASES: dict[str, Sequence[int]] = {
    "1 explicit registration": (176, 230, 949, 976),
    "2 edge cases executed": (633, 646, 659, 673, 689, 702, 718, 730, 745),
    "4 the missing step": (450,),
    "5 all scenarios": (),
}


class NotALog(Exception):
    """The file is not the event log of a whole run; the text says why, and what to do."""


def read(path: Path) -> list[Event]:
    """The events of a run that came to its end. Raises NotALog."""
    try:
        events = list(log.read(path))
        kinds = [event["event"] for event in events]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotALog(f"{path} is not an event log: {error}") from error
    if "run_started" not in kinds or "run_ended" not in kinds:
        raise NotALog(f"the run in {path} did not come to its end: take the log of another one")
    return events


def page(events: Sequence[Event], commit: str) -> str:
    """The page for a run of the sources at `commit`."""
    started = _only(events, "run_started")
    ended = _only(events, "run_ended")
    verdicts = sorted((event for event in events if event["event"] == "verdict"), key=_address)
    words = ", ".join(f"{count} {word}" for word, count in Counter(each["verdict"] for each in verdicts).items())
    left_out = ", ".join(f"{count} by {reason}" for reason, count in started["left_out"].items()) or "none"
    lines = [
        "# Progress",
        "",
        "Written by `scripts/progress` from the event log of a run.",
        "",
        f"Run of {started['utc']}, commit {commit}: **{words}** of {started['planned']} planned, {left_out} left out,"
        f" exit code {ended['exit_code']}, {ended['duration_s']:.1f} s with {started['jobs']} at a time.",
        "",
        *_table(("phase of the plan", "scenarios", "passed"), [_phase(name, verdicts) for name in PHASES]),
        "",
        *_table(("address", "scenario", "verdict", "s"), [_scenario(each) for each in verdicts]),
    ]
    return "\n".join(lines) + "\n"


def _only(events: Sequence[Event], kind: str) -> Event:
    return next(event for event in events if event["event"] == kind)


def _address(verdict: Event) -> tuple[str, int]:
    path, _, line = verdict["location"].rpartition(":")
    return path, int(line)


def _phase(name: str, verdicts: Sequence[Event]) -> tuple[object, ...]:
    lines = PHASES[name]
    shown = [
        each for each in verdicts if _address(each)[0].endswith(FEATURE) and (not lines or _address(each)[1] in lines)
    ]
    return name, len(lines) or SCENARIOS, sum(each["verdict"] == "passed" for each in shown)


def _scenario(verdict: Event) -> tuple[object, ...]:
    return verdict["location"], verdict["name"], verdict["verdict"], f"{verdict['duration_s']:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in cells]


def main(arguments: Sequence[str]) -> int:
    """Write the page: event log, page, commit. Returns 0, or 2 when the log cannot be used."""
    source, target, commit = arguments
    try:
        events = read(Path(source))
    except NotALog as error:
        print(f"progress: {error}", file=sys.stderr)
        return 2
    Path(target).write_text(page(events, commit), encoding="utf-8")
    print(f"progress: written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
