"""The file of known reds, made from a run: scripts/known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report import log
from harness.report.log import Event
from harness.runner import known
from harness.runner.folder import EVENT_LOG
from harness.runner.options import WrongUse

GREEN, NOT_RUN = "passed", "not run"


def updated(rows: Mapping[str, Mapping[str, Any]], verdicts: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """The known reds after a run with these verdicts: what it showed as red, with the notes that stood there before.
    What it did not run stays as it was, and so does one that is green now and then."""
    new = {scenario: dict(row) for scenario, row in rows.items()}
    for each in verdicts:
        row = new.get(each["key"], {})
        if each["verdict"] == NOT_RUN or (each["verdict"] == GREEN and row.get("flaky")):
            continue
        if each["verdict"] == GREEN:
            new.pop(each["key"], None)
        else:
            told = each.get("story") or {}
            new[each["key"]] = {**row, "scenario": each["key"], "cause": told.get("cause", each["verdict"])}
            if "headline" in told:
                new[each["key"]].setdefault("note", told["headline"])
    return new


def changes(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is different, a line for each scenario."""
    lines = []
    for scenario in sorted({*old, *new}):
        if scenario not in new:
            lines.append(f"mended: {scenario}")
        elif scenario not in old:
            lines.append(f"newly red: {scenario}  {new[scenario]['cause']}")
        elif old[scenario]["cause"] != new[scenario]["cause"]:
            lines.append(f"red for another cause: {scenario}  {old[scenario]['cause']} → {new[scenario]['cause']}")
    return lines


def main(arguments: Sequence[str]) -> int:
    """Show, or write, what a run makes of a file of known reds; the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/known", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the file; without it the changes are only shown")
    parser.add_argument("file", type=Path, help="the file of known reds, for -D known=FILE; it need not exist yet")
    parser.add_argument("run", type=Path, help="the folder of a run, as the run's last lines name it")
    chosen = parser.parse_args(arguments)
    try:
        old = known.read(str(chosen.file)).rows if chosen.file.exists() else {}
        verdicts = [event for event in log.read(chosen.run / EVENT_LOG) if event["event"] == "verdict"]
        new = updated(old, verdicts)
        for line in changes(old, new):
            print(line)
        if chosen.update:
            known.write(chosen.file, (new[scenario] for scenario in sorted(new)))
    except (WrongUse, OSError) as error:
        print(f"scripts/known: {error}", file=sys.stderr)
        return 2
    print(f"{len(new)} known reds in {chosen.file}" if chosen.update else "nothing is written without --update")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
