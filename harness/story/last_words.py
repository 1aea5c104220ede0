"""What a program said last before it was all over: a warning, an error, a panic, where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from harness.story.facts import HIVE, KEEPER, PROGRAMS, WORKER, Facts
from harness.story.finding import ACTORS, how_ended

SAID_CHARACTERS = 1 << 17  # of each stream: it is the last that counts, and a program may print 16 MB
STAMP = re.compile(r"^\S+Z +(INFO|WARN|ERROR) +(?:ThreadId\(\d+\) +)?")
ALARMING = re.compile(r"\b(WARN|ERROR|FATAL|panicked|Error|Exception|Segmentation fault)\b|error:")
FRAME = re.compile(r'File "([^"]+)", line (\d+)')
RAISED = re.compile(r"^[A-Za-z_.]+(Error|Exception|Interrupt|Exit)\b.*")
BY_NAME = re.compile(r"^\[([a-z-]+)\] |^(?:\S+Z +\w+ +)?([a-z]+-[a-z-]+)(?:\[[^\]]*\])?: ")


def of(facts: Facts, culprit: str, others: Iterable[str]) -> list[dict[str, Any]]:
    """The last words of the programs concerned, the culprit first: program, text, and how it ended (or null)."""
    names = list(dict.fromkeys([culprit, *others, KEEPER]))
    found = [_words(facts, name) for name in names if name in PROGRAMS]
    return [one for one in found if one is not None]


def _words(facts: Facts, program: str) -> dict[str, Any] | None:
    lines = _lines(facts, program)
    runs = [run for run in facts.runs if run.program == program]
    code = runs[-1].code if runs else None
    text = _raised(lines) or next((line for line in reversed(lines) if ALARMING.search(line)), "")
    if not text and (code or (program == KEEPER and code is None)):
        text = lines[-1] if lines else ""
    ended = None if code is None else how_ended(code)
    if not text and (ended is None or code == 0):
        return None
    said = STAMP.sub("", text).strip().removeprefix(f"{program}: ")
    return {"program": program, "text": said, "ended": ended}


def _lines(facts: Facts, program: str) -> list[str]:
    """The lines of a program, by who prints: a worker's come out of its hive's pipe."""
    texts: dict[tuple[int, str], str] = {}
    for event in facts.events:
        if event["event"] == "output":
            key = (event["pid"], event["stream"])
            texts[key] = (texts.get(key, "") + event["text"])[-SAID_CHARACTERS:]
    by = {run.pid: run.program for run in facts.runs}
    found = []
    for (pid, _), text in texts.items():
        for line in text.splitlines():
            owner = by.get(pid)
            if (said_by(line, text) if owner == HIVE else owner) == program and line.strip():
                found.append(line)
    return found


def said_by(line: str, text: str = "") -> str:
    """Who says a line in the pipe of a hive: its workers have it, too. A line without a name is the hive's, unless the
    text with which it came is a worker's."""
    named = BY_NAME.match(line)
    whose = WORKER if f"/{WORKER}" in text else HIVE
    name = next((each for each in (named.groups() if named else ()) if each), whose)
    return name if name in PROGRAMS else ACTORS.get(name, WORKER)


def _raised(lines: list[str]) -> str:
    """Where and what a Python program raised last: `file.py:24 RuntimeError: …`."""
    last = next((n for n in range(len(lines) - 1, -1, -1) if RAISED.match(lines[n])), None)
    if last is None:
        return ""
    frames = [match for line in lines[:last] if (match := FRAME.search(line)) and "site-packages" not in line]
    where = f"{frames[-1][1].rpartition('/')[2]}:{frames[-1][2]} " if frames else ""
    return f"{where}{lines[last]}"
