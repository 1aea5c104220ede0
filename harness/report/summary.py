"""The summary at the end of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TextIO

from harness.report import story
from harness.report.log import Event
from harness.report.proven import Proven

# These are always counted, the others when there are any.
ALWAYS = ("passed", "failed", "skipped")
GREEN, NOT_RUN, UNDEFINED = "passed", "not run", "undefined"
ENDED = "the run was ended by "  # with this begins the reason of what was under way then
# Their reason tells all; of the others, the logs are shown as well.
PLAIN = ("failed", "undefined", "skipped")
REASON_LINES = 3
KNOWN, CHANGED, NEW, MENDED = "known", "changed", "new", "mended"  # harness/runner/known.py
STANDINGS = {KNOWN: "known red", CHANGED: "red for another cause", NEW: "newly red", MENDED: "mended"}


class Summary:
    """Takes the events of a run, and prints the summary when the run has ended: each red scenario with its reason and
    the command that repeats it, the counts, and where everything lies."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start: Event = {}
        self._problems: list[Event] = []
        self._verdicts: list[Event] = []
        self._proven = Proven()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._proven(event)
        kind = event["event"]
        if kind == "run_started":
            self._start = event
        elif kind == "hook_failed":
            self._problems.append(event)
        elif kind == "verdict":
            self._verdicts.append(event)
        elif kind == "run_ended":
            self._print(event)

    def _print(self, end: Event) -> None:
        lines = [*self._red(), *self._stopped(), *self._counts(end["duration_s"]), *self._place()]
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()

    def _red(self) -> list[str]:
        lines: list[str] = []
        for problem in self._problems:
            lines += ["", f"error in {problem['hook']}: {problem['error']}", *_indented(problem["traceback"])]
        red = [each for each in self._verdicts if each["verdict"] not in (GREEN, NOT_RUN) and not _interrupted(each)]
        red = [each for each in red if each.get("standing") != KNOWN]
        groups = story.groups(sorted(red, key=lambda verdict: verdict["number"]))
        first = {each["number"]: group[0]["location"].rpartition(":")[2] for group in groups for each in group[1:]}
        for each in sorted(red, key=lambda verdict: verdict["number"]):
            lines += ["", *_red_scenario(each, str(self._start.get("cwd", "")), first.get(each["number"]))]
        for group in groups:
            if len(group) > 1:
                lines += ["", *story.paragraph(group, story.columns())]
        lines += self._known()
        not_run = Counter(each["reason"] for each in self._verdicts if each["verdict"] == NOT_RUN)
        for reason, count in not_run.items():
            lines += ["", f"not run: {count}: {reason}"]
        return [*lines, ""]

    def _known(self) -> list[str]:
        """What has come of the reds that are known, where any are."""
        of = {standing: [each for each in self._verdicts if each.get("standing") == standing] for standing in STANDINGS}
        if not any(of.values()) or not (of[KNOWN] or of[CHANGED] or of[MENDED]):
            return []
        lines = [""]
        for standing, words in STANDINGS.items():
            for each in of[standing] if standing != NEW else ():
                note = f" ({each['note']})" if each["note"] else ""
                lines.append(f"{words}: {each['location']}  {each['name']}{note}")
        counts = ", ".join(f"{len(of[standing])} {words}" for standing, words in STANDINGS.items())
        return [*lines, "", counts]

    def _stopped(self) -> list[str]:
        """What a signal has left undone."""
        interrupted = sum(map(_interrupted, self._verdicts))
        if not interrupted and not any(each["reason"].startswith(ENDED) for each in self._verdicts):
            return []
        counts = Counter(each["verdict"] for each in self._verdicts)
        return [f"stopped: {counts[GREEN]} passed, {interrupted} interrupted, {counts[NOT_RUN]} not run", ""]

    def _counts(self, duration_s: float) -> list[str]:
        features: dict[str, str] = {}
        steps: Counter[str] = Counter()
        for each in self._verdicts:
            if each["verdict"] != GREEN or each["feature"] not in features:
                features[each["feature"]] = "passed" if each["verdict"] == GREEN else "failed"
            steps.update(each["steps"])
        return [
            _count("feature", Counter(features.values())),
            _count("scenario", Counter(each["verdict"] for each in self._verdicts)),
            _count("step", steps),
            *([str(self._proven)] if self._proven.asked else []),
            *(f"{count} left out by {reason}" for reason, count in self._start["left_out"].items()),
            f"Took {int(duration_s // 60)}min {duration_s % 60:.3f}s",
        ]

    def _place(self) -> list[str]:
        tested = str(self._start.get("told", ""))
        lines = [f"T{tested[1:]}"] if tested else []
        lines.append(f"Run folder: {self._start['run_dir']} (event log: events.jsonl)")
        if self._start["order"] == "random":
            seed = self._start["seed"]
            lines.append(f"Order: random, again by -D order=random -D seed={seed}")
        return lines


def _interrupted(verdict: Event) -> bool:
    """Whether it was under way when the run was ended: that says nothing of it."""
    return verdict["verdict"] != NOT_RUN and str(verdict["reason"]).startswith(ENDED)


def _red_scenario(verdict: Event, cwd: str, same_as: str | None) -> list[str]:
    """A red scenario; `same_as` is the line of the first one with the same cause, which tells the story of both."""
    again = _again(verdict["again"], cwd)
    head = f"{verdict['verdict']}: {verdict['location']}  {verdict['name']}"
    if same_as is not None:
        return [head, f"  the same cause as {same_as}", again]
    told = verdict.get("story")
    if told and verdict["verdict"] not in (*PLAIN, "error"):  # the story does not say why it is that
        reason = str(verdict["reason"]).partition("\n")[0]
        head = head if reason in told["seen"] else f"{head}\n  {reason}"
    return [head, *(story.rendered(told, story.columns()) if told else _without_story(verdict)), again]


def _again(command: str, cwd: str) -> str:
    """The command that repeats it, from wherever it is read."""
    home = str(Path.home())
    where = f"~{cwd.removeprefix(home)}" if cwd.startswith(f"{home}/") else cwd
    return f"  again: cd {where} && {command}" if cwd else f"  again: {command}"


def _without_story(verdict: Event) -> list[str]:
    reason = verdict["reason"].splitlines()
    most = len(reason) if verdict["verdict"] == UNDEFINED else REASON_LINES
    shown = reason[:most] + (["…"] if len(reason) > most else [])
    lines = _indented("\n".join(shown))
    if verdict["verdict"] not in PLAIN:
        for path, tail in verdict["logs"].items():
            lines += [f"  the end of {path}:", *_indented(tail, "    | ")]
    if verdict["directory"]:
        lines.append(f"  kept in {verdict['directory']}")
    return lines


def _indented(text: str, by: str = "  ") -> list[str]:
    return [by + line for line in text.splitlines()]


def _count(thing: str, counts: Counter[str]) -> str:
    """In behave's own words: `62 scenarios passed, 0 failed, 0 skipped`."""
    things = thing if counts["passed"] == 1 else f"{thing}s"
    others = [f"{count} {name}" for name, count in sorted(counts.items()) if name not in ALWAYS and count]
    always = [f"{counts['passed']} {things} passed", f"{counts['failed']} failed", f"{counts['skipped']} skipped"]
    return ", ".join([*always, *others])
