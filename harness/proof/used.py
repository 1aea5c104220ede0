"""What of the product a scenario uses, as it was seen on its stage: the null products and the lies ask for it."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

from harness.evidence import Evidence

FILE = "used.jsonl"  # in the run's folder: one line a scenario
PROGRAM_OF_ROLE = {"queen": "queen-rbee", "hive": "rbee-hive", "worker": "llm-worker-rbee"}
ID = re.compile(r"[^/]*\d[^/]*")  # a part of a path that names one thing of many; but not the version at its beginning


def used(evidence: Evidence) -> list[str]:
    """The commands that were run, with the names of their options; the requests that were answered, with the status;
    the errors that a stream told, and what was cut; sorted: `rbee-keeper infer --node --model`, `rbee-hive POST
    /v1/workers/spawn 200`, `error WORKER_CRASHED`, `hub cut`."""
    found = {" ".join([run.program, *_command(run.argv)]) for run in evidence.runs()}
    for one in evidence.exchanges():
        if one.role in PROGRAM_OF_ROLE and one.status is not None:
            found.add(f"{PROGRAM_OF_ROLE[one.role]} {one.method} {_route(one.path)} {one.status}")
        if one.how == "cut":
            found.add(f"{one.role} cut")
        found |= {f"error {event.get('code')}" for event in one.payloads if event.get("type") == "error"}
    return sorted(found)


def _command(argv: list[str]) -> list[str]:
    options = [word for word in argv[1:] if word.startswith("--")]
    return [*itertools.takewhile(lambda word: not word.startswith("-"), argv[1:3]), *options]


def _route(path: str) -> str:
    """The path with its ids and its query left out."""
    first, *others = path.partition("?")[0].strip("/").split("/")
    return "/".join(["", first, *(ID.sub("*", part) for part in others)])


def record(directory: Path, location: str, evidence: Evidence) -> None:
    """Keep in the run's folder what the scenario at `location` uses. Attempts write at the same time: a line each, in
    one piece."""
    line = json.dumps({"location": location, "used": used(evidence)}) + "\n"
    with (directory / FILE).open("a", encoding="utf-8") as file:
        file.write(line)


def recorded(directory: Path) -> dict[str, list[str]]:
    """Location of a scenario → what it uses, as a run has recorded it in its folder. Raises OSError."""
    lines = (directory / FILE).read_text(encoding="utf-8").splitlines()
    return {one["location"]: one["used"] for one in map(json.loads, lines)}
