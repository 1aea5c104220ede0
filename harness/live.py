"""What happens on a stage, line by line as it happens: for `--no-capture`, and for the end of a failed scenario.

A line has the clock's time, where that has moved, who, and what. What programs print is shown as it comes, also before
its line is whole. What is said twice is shown once: the events of a stream are counted, for whoever gets them prints
them; only the scenario itself prints nothing, so its tokens are text."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from harness.evidence import exchanges
from harness.evidence.exchanges import Exchange
from harness.story import facts as know
from harness.story.last_words import STAMP
from harness.story.paths import as_seen_there
from harness.story.redact import redacted

COLUMNS = 100
WHO_COLUMNS = 22
SHORT = {know.KEEPER: "keeper", know.QUEEN: "queen", know.HIVE: "hive", know.WORKER: "worker"}
COLORS = {know.KEEPER: 36, know.QUEEN: 35, know.HIVE: 33, know.WORKER: 32}
"""The colors of a terminal: cyan, magenta, yellow, green."""
OTHER_COLOR, STEP_COLOR, ALARM_COLOR = 34, 1, 31
BAR = re.compile(r"^[^\[]*\[[█-]+\] ")  # how far something is: of those of one instant the last one counts
UUID = re.compile(r"\b([0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
LEVEL = re.compile(r"^\S+Z +(WARN|ERROR)\b")
UNTOLD = ("snapshot", "closing", "forked", "met", "command", "commanded")  # they say nothing that another does not


class Live:
    """Writes the events of a stage whose files lie in `directory`. Colors are for terminals whose user does not mind
    them (NO_COLOR). steps: a step's begin is shown, too; where a formatter of behave's does it, it need not be."""

    def __init__(self, out: TextIO, directory: Path, *, steps: bool = False) -> None:
        self._out, self._directory, self._steps = out, str(directory), steps
        self._in_colors = out.isatty() and not os.environ.get("NO_COLOR")
        self._asked: dict[int, Exchange] = {}
        self._passed: dict[int, Counter[str]] = {}
        self._shown_us = -1
        self._open: tuple[int, str] | None = None  # whose line is not whole yet
        self._column = 0
        self._bars: dict[tuple[int, str], Mapping[str, Any]] = {}

    def show(self, event: Mapping[str, Any]) -> None:
        """Write what there is to say about `event`."""
        kind = event["event"]
        for key in [key for key, bar in self._bars.items() if bar["at_us"] != event["at_us"]]:
            self._output(self._bars.pop(key))
        if kind == "output":
            self._show_output(event)
        elif kind in ("asked", "answered", "passed", "ended"):
            self._exchange(event)
        elif kind == "step":
            if self._steps:
                self._line(event, f"line {event['line']}", event["text"], STEP_COLOR)
        elif kind not in UNTOLD:
            program = str(event.get("program") or "")
            self._line(event, f"{event.get('node') or 'stage'} {_short(program)}", _other(event), COLORS.get(program))
        self._out.flush()

    def _show_output(self, event: Mapping[str, Any]) -> None:
        """Write output, but for bars that are followed by another one."""
        key = (event["pid"], event["stream"])
        for piece in event["text"].splitlines(keepends=True):
            said = {**event, "text": piece}
            if BAR.match(piece) and piece.endswith("\n"):
                self._bars[key] = said
                continue
            if key in self._bars:
                self._output(self._bars.pop(key))
            self._output(said)

    def _output(self, event: Mapping[str, Any]) -> None:
        """Write a piece of output, at most a line."""
        key = (event["pid"], event["stream"])
        who = f"{event['node']} {_short(event['program'])}{':' if event['stream'] == 'stdout' else '!'}"
        text = self._readable(event["text"].removesuffix("\n"))
        if self._open != key:
            if not text:
                return
            color = ALARM_COLOR if LEVEL.match(text) else COLORS.get(event["program"], OTHER_COLOR)
            self._begin(event, who, color)
            text = STAMP.sub(lambda stamp: "" if stamp[1] == "INFO" else f"{stamp[1]} ", text)
        self._write(text)
        self._open = key
        if event["text"].endswith("\n"):
            self._end()

    def _exchange(self, event: Mapping[str, Any]) -> None:
        number, kind = event["exchange"], event["event"]
        if kind == "asked":
            [self._asked[number]] = exchanges.fold([event])
        one = self._asked.get(number)
        if one is None:  # it began before what is shown
            return
        asker, answerer = know.asker(one), know.answerer(one)
        if kind == "asked":
            what = f"{one.method} {one.path}" if one.port != know.SSH_PORT else "connects"
            who = f"{_short(asker)} → {_short(answerer)}"
            self._line(event, who, f"{what}  {one.body or ''}", COLORS.get(asker, OTHER_COLOR))
        elif kind == "answered":
            one.status, one.answer_headers = event["status"], event["headers"]
        elif kind == "passed":
            self._pass(event, one)
        else:
            color = ALARM_COLOR if event["how"] not in ("complete", "left") else COLORS.get(answerer, OTHER_COLOR)
            self._line(event, f"{_short(asker)} ← {_short(answerer)}", self._end_of(event, one), color)
            del self._asked[number]

    def _pass(self, event: Mapping[str, Any], one: Exchange) -> None:
        told = know.as_json(event["data"])
        kind = str(told.get("type") or told.get("stage") or "") if isinstance(told, dict) else str(told)
        self._passed.setdefault(one.number, Counter())[kind] += 1
        who = f"{_short(know.asker(one))} ← {_short(know.answerer(one))}"
        if kind == "error":
            self._line(event, who, event["data"], ALARM_COLOR)
        elif kind == "token" and know.asker(one) == know.OPERATOR:
            if self._open != (-one.number, "token"):
                self._begin(event, who, COLORS.get(know.WORKER))
            self._write(self._readable(str(told.get("t"))))
            self._open = (-one.number, "token")

    def _end_of(self, event: Mapping[str, Any], one: Exchange) -> str:
        passed = self._passed.pop(one.number, Counter())
        how = {"complete": "", "left": "given up", "refused": "nobody listens there"}.get(event["how"], event["how"])
        how = "" if passed[know.END_MARK] else how  # whoever has the end mark has everything
        events = f"{passed.total()} events" if passed else ""
        tokens = f"{passed['token']} tokens" if passed["token"] else ""
        words = [str(one.status or ""), events, tokens, how]
        return ", ".join(word for word in words if word) + (f"  {event['body']}" if event["body"] else "")

    def _line(self, event: Mapping[str, Any], who: str, text: str, color: int | None = None) -> None:
        self._begin(event, who, color)
        self._write(self._readable(text).rstrip())
        self._end()

    def _begin(self, event: Mapping[str, Any], who: str, color: int | None) -> None:
        """Begin a line; one that is open is broken off, and goes on later on a line of its own."""
        if self._open is not None:
            self._end()
        moved = event["at_us"] != self._shown_us
        time = f"{event['at_us'] / 1e6:9.3f} s" if moved else " " * 11
        self._shown_us = event["at_us"]
        shown = f"{who.strip():<{WHO_COLUMNS}}"
        self._out.write(f"{time}  {self._colored(shown, color)} ")
        self._column = len(time) + len(shown) + 3

    def _write(self, text: str) -> None:
        """Write as much of `text` as there is room for in the line."""
        room = max(0, COLUMNS - self._column)
        if room:
            self._out.write(text if len(text) <= room else f"{text[: room - 1]}…")
        self._column += len(text)

    def _end(self) -> None:
        self._out.write("\n")
        self._open = None

    def _colored(self, text: str, color: int | None) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._in_colors and color is not None else text

    def _readable(self, text: str) -> str:
        text = UUID.sub(r"\1…", as_seen_there(text, self._directory))
        return redacted(text).replace("\n", " ").replace("\x1b", "␛").rstrip("\r")


def _short(program: str) -> str:
    return SHORT.get(program, program)


def _other(event: Mapping[str, Any]) -> str:
    kind = event["event"]
    if kind == "started":
        argv = event["argv"]
        return f"$ {argv[2] if argv[:2] == ['/bin/sh', '-c'] and event.get('over_ssh') else ' '.join(argv)}"
    if kind == "exited":
        return f"ended with {event['code']}" if event["code"] >= 0 else f"was ended by signal {-event['code']}"
    if kind == "login":
        return f"user {event['user']} {'is let in' if event['granted'] else 'is not let in'}"
    if kind == "gone":
        return "has ended"
    fields = {name: value for name, value in event.items() if name not in ("event", "at_us", "node", "program")}
    return f"{kind}: {json.dumps(fields, ensure_ascii=False)}"
