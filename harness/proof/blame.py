"""Does a story name who did it? A lie is told by a known program, so it can be measured.

    python -m harness.proof.blame [--program P] [--lie TEXT] [--most N] [--keeper] [--times N] [--page FILE]
        [RUN_FOLDER]

For each lie those scenarios are run that can meet it, as a user runs them, and the first story of the largest group of
reds is asked for its culprit: with references, and by rules alone. With --keeper the keeper is one of the user's own,
written in another layout, whose references a green run has kept. With --times some of the
lies are told so often each, three scenarios at a time and beside processes that burn: have their reds the same causes
each time? RUN_FOLDER is that of a run with stand-ins that do not lie."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.proof import lie_report, lies
from harness.proof.null_products import NULLS, PROJECT, baseline, run
from harness.report import log, story
from harness.trace.command import burning

WAIT_S, LIMIT_S = 15, 60  # a lie may make somebody wait for ever
RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
STEADY = 20  # so many lies are told again and again
BEGIN, END = "<!-- figures: scripts/blame -->\n", "<!-- end of figures: scripts/blame -->"
BEGIN_STEADY, END_STEADY = (
    "<!-- figures: scripts/blame --times -->\n",
    "<!-- end of figures: scripts/blame --times -->",
)
OTHER_KEEPER = NULLS.parent / "other_keeper.py"


@dataclass(frozen=True)
class Blamed:
    """What a lie's stories said. first: the headline of the first. by: whom they named, with references and by rules
    alone; None where nothing went red. causes: of all its reds."""

    program: str
    lie: lies.Lie
    by: tuple[str, str] | None
    first: str
    causes: Sequence[str]

    def word(self, way: int) -> str:
        """Whether the one that was named is the one that lied."""
        assert self.by is not None
        named = self.by[way]
        return RIGHT if named == lies.PROGRAMS[self.program] else WRONG if named in lies.PROGRAMS.values() else UNKNOWN


def blamed(
    program: str, lie: lies.Lie, directory: Path, met: Sequence[str], most: int, settings: Mapping[str, object]
) -> Blamed:
    """Run the scenarios that can meet the lie, with these settings, the first `most` and, when none of these goes red,
    the others; and read the stories."""
    stand_ins = directory / "bin"
    shutil.copytree(PROJECT / "bin", stand_ins)
    (stand_ins / lies.PROGRAMS[program]).write_text(lies.source(program, lie.name), encoding="utf-8")
    reds: list[log.Event] = []
    for number, some in enumerate((met[:most], met[most:])):
        if some and not reds:  # only when none of those went red, the others are asked
            place = directory / f"run{number}"
            run(place, {"stand_ins": stand_ins, "wait_s": WAIT_S, "limit_s": LIMIT_S, **settings}, some)
            reds = [event for event in log.read(place / "events.jsonl") if _is_red(event)]
    groups = story.groups(sorted(reds, key=lambda event: event["number"]))
    if not groups:
        return Blamed(program, lie, None, "", [])
    told = groups[0][0]["story"] or {"culprit": UNKNOWN, "by_rules": UNKNOWN, "headline": "no story"}
    causes = [each["story"]["cause"] if each["story"] else "" for each in reds]
    return Blamed(program, lie, (told["culprit"], told["by_rules"]), told["headline"], causes)


def _is_red(event: log.Event) -> bool:
    return event["event"] == "verdict" and event["verdict"] not in ("passed", "skipped")


def page(everything: Sequence[Blamed], commit: str, most: int) -> str:
    """The figures for docs/proof.md, and who was not named right. most: so many scenarios were run for a lie."""
    red = [one for one in everything if one.by is not None]
    queens = sum(one.program == "queen" for one in red)
    lines = [
        "| | lies that went red | named right | unknown | named wrong |",
        "|---|---|---|---|---|",
        *(_row(f"{who}, {how}", some, way) for who, some in _parts(red) for way, how in enumerate(WAYS)),
        f"| who always says the queen | {len(red)} | {queens} | 0 | {len(red) - queens} |",
        "",
        f"By `scripts/blame --most {most}` on {datetime.now(UTC):%Y-%m-%d} at commit {commit}. Not named right with"
        " references:",
        "",
        *(f"- the {one.program} {one.lie.name}: {_said(one)}" for one in red if one.word(0) != RIGHT),
    ]
    silent = [f"the {one.program} {one.lie.name}" for one in everything if one.by is None]
    return "\n".join([*lines, *([f"- nothing went red: {'; '.join(silent)}"] if silent else [])]) + "\n"


WAYS = ("with references", "by rules alone")


def _parts(red: Sequence[Blamed]) -> Iterator[tuple[str, list[Blamed]]]:
    yield "lies that were there before the rules", [one for one in red if not one.lie.is_new]
    yield "lies written after them", [one for one in red if one.lie.is_new]


def _row(who: str, some: Sequence[Blamed], way: int) -> str:
    counts = Counter(one.word(way) for one in some)
    return f"| {who} | {len(some)} | **{counts[RIGHT]}** | {counts[UNKNOWN]} | {counts[WRONG]} |"


def _said(one: Blamed) -> str:
    assert one.by is not None
    return f"{one.by[0]} ({one.first})".replace("\n", " ")[:200]


def _met(lie: lies.Lie, uses: dict[str, list[str]], words: dict[str, str], most: int) -> list[str]:
    """The scenarios that can meet the lie; of many so many, evenly, come first."""
    met = [
        where
        for where, what in uses.items()
        if any(re.search(lie.meets, each) for each in what) and re.search(lie.about, words.get(where, ""))
    ]
    first = met if len(met) <= most else [met[n * len(met) // most] for n in range(most)]
    return [*first, *(where for where in met if where not in first)]


def _own_keeper(directory: Path) -> Path:
    """A keeper of the user's own: the stand-in, in another layout."""
    path = directory / "keeper"
    path.write_text(f"#!{sys.executable}\n{OTHER_KEEPER.read_text(encoding='utf-8')}", encoding="utf-8")
    path.chmod(0o755)
    return path


def steady(times: int, temporary: Path, uses: dict[str, list[str]], most: int) -> tuple[int, int]:
    """Tell lies so many times each, beside load: how many of them had the same causes each time, and of how many. One
    that nobody tells a story of is left out, and another is told instead."""
    every, words = list(lie_report.those(None, "")), lie_report.said()
    spread = sorted(range(len(every)), key=lambda n: (n % (len(every) // STEADY), n))
    found: list[set[tuple[str, ...]]] = []
    with burning(len(os.sched_getaffinity(0))):
        for program, lie in (every[n] for n in spread):
            if len(found) == STEADY:
                break
            met, causes = _met(lie, uses, words, most), set()
            for number in range(times):
                directory = temporary / f"{program}-{number}"
                directory.mkdir()
                causes.add(tuple(sorted(blamed(program, lie, directory, met, most, {"jobs": 3}).causes)))
                shutil.rmtree(directory, ignore_errors=True)
                if not any(map(any, causes)):
                    break
            else:
                found.append(causes)
                print(f"the {program} {lie.name}: {len(causes)} different: {sorted(causes)[0]}", flush=True)
    return sum(len(causes) == 1 for causes in found), len(found)


def main(arguments: Sequence[str]) -> int:
    """Tell the lies one after the other. Returns 0 when each was named right or not at all, or had the same causes each
    time; else 1."""
    parser = argparse.ArgumentParser(prog="scripts/blame", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--program", choices=lies.PROGRAMS, help="only the lies of this one")
    parser.add_argument("--lie", default="", help="only the lies with this in their name")
    parser.add_argument("--most", type=int, default=6, help="run at most so many scenarios for each lie")
    parser.add_argument("--keeper", action="store_true", help="with a keeper of one's own, in real time")
    parser.add_argument("--times", type=int, default=0, help="are the causes the same in so many runs of some lies?")
    parser.add_argument("--page", type=Path, help="write the figures into this page")
    parser.add_argument("--commit", default="unknown", help="of the sources, for the page")
    parser.add_argument("run_folder", nargs="?", type=Path, help="of a run with the stand-ins; else the suite is run")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the run under way is ended, too
    everything = []
    with tempfile.TemporaryDirectory(prefix="rl-") as temporary:
        uses, words = baseline(parser, chosen.run_folder, Path(temporary, "0")), lie_report.said()
        if chosen.times:
            equal, count = steady(chosen.times, Path(temporary), uses, chosen.most)
            said = f"Of {count} lies **{equal}** had the same causes in {chosen.times} runs each"
            said += f" (`scripts/blame --times {chosen.times} --most {chosen.most}`, commit {chosen.commit}).\n"
            print(said)
            if chosen.page:
                _write(chosen.page, BEGIN_STEADY, END_STEADY, said)
            return int(equal < count)
        keeper = _own_keeper(Path(temporary)) if chosen.keeper else None
        if keeper is not None:
            os.environ["XDG_STATE_HOME"] = str(Path(temporary, "state"))
            run(Path(temporary, "green"), {"keeper": keeper})
        own = {"keeper": keeper} if keeper else {}
        for number, (program, lie) in enumerate(lie_report.those(chosen.program, chosen.lie), 1):
            if keeper is not None and program == "keeper":
                continue
            directory = Path(temporary, str(number))
            directory.mkdir()
            everything.append(blamed(program, lie, directory, _met(lie, uses, words, chosen.most), chosen.most, own))
            print(_line(everything[-1]), flush=True)
            shutil.rmtree(directory, ignore_errors=True)
    text = page(everything, chosen.commit, chosen.most)
    print(text)
    if chosen.page and not (chosen.program or chosen.lie or chosen.keeper):
        _write(chosen.page, BEGIN, END, text)
    return int(any(one.by is not None and one.word(0) == WRONG for one in everything))


def _write(page: Path, begin: str, end: str, text: str) -> None:
    old = page.read_text(encoding="utf-8")
    page.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}{text}{end}", old, flags=re.DOTALL), encoding="utf-8")


def _line(one: Blamed) -> str:
    if one.by is None:
        return f"the {one.program} {one.lie.name}: nothing went red"
    reds = f"{len(one.causes)} red, {len(set(one.causes))} causes"
    said = one.first.partition("\n")[0]
    return f"the {one.program} {one.lie.name}: {one.word(0)}, by rules {one.word(1)}; {reds}: {said}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
