"""The suite against stand-ins that lie: every lie should turn a scenario red, and every Then sentence catch one.

    python -m harness.proof.lie_report [--program keeper|queen|hive|worker] [--lie TEXT] [--page FILE] [RUN_FOLDER]

RUN_FOLDER is that of a run with stand-ins that do not lie, which tells who can meet which lie; without one the suite is
run first."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from behave.model import Step
from behave.parser import parse_file

from harness.proof import lies
from harness.proof.null_products import FEATURE, PROJECT, baseline, run
from harness.report import log
from harness.runner.folder import default_place

WAIT_S, LIMIT_S = 15, 60  # a lie may make somebody wait for ever
ONLY_ARRANGES = "(before its first Then)"


@dataclass(frozen=True)
class Told:
    """What became of a lie. met: the scenarios that could meet it. red: those that went red. caught: the sentences that
    failed, each with how often."""

    program: str
    lie: lies.Lie
    met: Sequence[str]
    red: Sequence[str]
    caught: Mapping[str, int]


def told(program: str, lie: lies.Lie, directory: Path, uses: Mapping[str, Sequence[str]]) -> Told:
    """Run the scenarios that can meet the lie; all their steps, so that every sentence that fails is seen."""
    words = said()
    met = [
        where
        for where, what in uses.items()
        if any(re.search(lie.meets, each) for each in what) and re.search(lie.about, words.get(where, ""))
    ]
    if not met:
        return Told(program, lie, [], [], {})
    stand_ins = directory / "bin"
    shutil.copytree(PROJECT / "bin", stand_ins)
    (stand_ins / lies.PROGRAMS[program]).write_text(lies.source(program, lie.name), encoding="utf-8")
    settings = {"stand_ins": stand_ins, "go_on": "yes", "wait_s": WAIT_S, "limit_s": LIMIT_S}
    run(directory / "run", settings, met)
    events = list(log.read(directory / "run" / "events.jsonl"))
    red = [event["location"] for event in events if event["event"] == "verdict" and event["verdict"] != "passed"]
    return Told(program, lie, met, red, _caught(events, thens()))


def _caught(events: Sequence[log.Event], sentences: Mapping[int, str]) -> dict[str, int]:
    caught: dict[str, int] = {}
    for event in events:
        if event["event"] == "step_ended" and event["status"] in ("failed", "error"):
            sentence = sentences.get(event["line"], ONLY_ARRANGES)
            caught[sentence] = caught.get(sentence, 0) + 1
    return caught


def said() -> dict[str, str]:
    """Location of a scenario → all that its Then steps say."""
    texts: dict[str, str] = {}
    for scenario in parse_file(str(FEATURE)).walk_scenarios():
        steps = [step for step in scenario.steps if step.step_type == "then"]
        where = f"{FEATURE.relative_to(PROJECT)}:{scenario.line}"
        texts[where] = "\n".join("\n".join([step.name, step.text or "", *_cells(step)]) for step in steps)
    return texts


def _cells(step: Step) -> list[str]:
    table = step.table
    return [] if table is None else [*table.headings, *(cell for row in table.rows for cell in row.cells)]


def thens() -> dict[int, str]:
    """Line → sentence, for each Then of the feature; values are left out, so that one definition is one sentence."""
    steps = [step for scenario in parse_file(str(FEATURE)).walk_scenarios() for step in scenario.steps]
    return {step.line: re.sub(r'"[^"]*"|\d+(\.\d+)*', "…", step.name) for step in steps if step.step_type == "then"}


def page(everything: Sequence[Told]) -> str:
    """The report: survivors first, then each lie with what caught it, then the sentences that caught nothing."""
    survivors = [one for one in everything if not one.red]
    count, without = len(set(thens().values())), idle(everything)
    lines = [
        "# Lies",
        "",
        "Written by `scripts/lies`. A lie is one departure of one stand-in from its contract, see docs/proof.md.",
        "",
        f"{len(everything) - len(survivors)} of {len(everything)} lies caught;"
        f" {count - len(without)} of {count} Then sentences caught one.",
        "",
        "| program | lie | scenarios that went red | of | caught by |",
        "|---|---|---|---|---|",
        *(_row(one) for one in sorted(everything, key=lambda one: bool(one.red))),
        "",
        "## Then sentences that caught no lie",
        "",
        *([f"- {each}" for each in without] or ["None."]),
    ]
    return "\n".join(lines) + "\n"


def idle(everything: Sequence[Told]) -> list[str]:
    """The Then sentences that caught no lie."""
    return sorted(each for each in set(thens().values()) if not any(each in one.caught for one in everything))


def _row(one: Told) -> str:
    best = sorted(one.caught, key=lambda sentence: -one.caught[sentence])
    by = "; ".join([*best[:2], *([f"and {len(best) - 2} more"] if len(best) > 2 else [])]) or "**nothing**"
    red = " ".join(where.rpartition(":")[2] for where in one.red[:6]) + (" …" if len(one.red) > 6 else "")
    return f"| {one.program} | {one.lie.name} | {red or '**none**'} | {len(one.met)} | {by.replace('|', '∣')} |"


def those(program: str | None, text: str) -> Iterator[tuple[str, lies.Lie]]:
    """The lies of one program, or of all, with `text` in their name; each with its program."""
    for each in [program] if program else lies.PROGRAMS:
        yield from ((each, lie) for lie in lies.lies(each) if text in lie.name)


def main(arguments: Sequence[str]) -> int:
    """Tell the lies one after the other. Returns 0 when all were caught, and each sentence caught one where all were
    told; else 1."""
    parser = argparse.ArgumentParser(prog="scripts/lies", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--program", choices=lies.PROGRAMS, help="only the lies of this one")
    parser.add_argument("--lie", default="", help="only the lies with this in their name")
    parser.add_argument("--page", type=Path, help="write the report to this file, too")
    parser.add_argument("run_folder", nargs="?", type=Path, help="of a run with the stand-ins; else the suite is run")
    chosen = parser.parse_args(arguments)
    everything = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the run under way is ended, too
    with tempfile.TemporaryDirectory(prefix="rl-", dir=default_place()) as temporary:
        uses = baseline(parser, chosen.run_folder, Path(temporary, "0"))
        for number, (program, lie) in enumerate(those(chosen.program, chosen.lie), 1):
            directory = Path(temporary, str(number))
            directory.mkdir()
            everything.append(told(program, lie, directory, uses))
            print(f"the {program} {lie.name}: red {len(everything[-1].red)} of {len(everything[-1].met)}", flush=True)
            shutil.rmtree(directory)
    text = page(everything)
    print(text)
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")
    is_whole = not (chosen.program or chosen.lie)
    return 1 if not all(one.red for one in everything) or (is_whole and idle(everything)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
