"""What happens on a stage, line by line as it happens: for `--no-capture`, and for the end of a failed scenario."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TextIO

HARNESS_OWN = ("step", "snapshot", "closing")  # marks: behave shows its steps itself
SHOWN_CHARACTERS = 4096  # of a line


class Live:
    """Writes each event of a stage as a line: its time on the stage's clock, who, and what. Output is written line by
    line, with the name of the program that printed it."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._rests: dict[tuple[int, str], str] = defaultdict(str)

    def show(self, event: Mapping[str, Any]) -> None:
        """Write what there is to say about `event`."""
        for who, text in self._lines(event):
            shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
            print(f"{event['at_us'] / 1e6:11.6f}  {who:<28} {shown}", file=self._out or sys.stdout, flush=True)

    def _lines(self, event: Mapping[str, Any]) -> list[tuple[str, str]]:
        kind = event["event"]
        if kind in HARNESS_OWN:
            return []
        if kind == "output":
            return self._output(event)
        if kind in ("asked", "answered", "passed", "ended"):
            return [(f"exchange {event['exchange']}", _exchange(event))]
        return [(event.get("node") or "stage", _other(event))]

    def _output(self, event: Mapping[str, Any]) -> list[tuple[str, str]]:
        stream = (event["pid"], event["stream"])
        *lines, rest = (self._rests[stream] + event["text"]).split("\n")
        self._rests[stream] = rest[: SHOWN_CHARACTERS + 1]
        return [(f"{event['node']} {event['program']}", line) for line in lines]


def _exchange(event: Mapping[str, Any]) -> str:
    if event["event"] == "asked":
        who, where = event["program"] or event["asker"], f"{event['host']}:{event['port']}{event['path']}"
        return f"{who} → {event['method']} {where} {event['body'] or ''}"
    if event["event"] == "answered":
        return f"answered {event['status']}"
    if event["event"] == "passed":
        return f"passed {event['data']}"
    return f"{event['how']}, {event['size']} bytes {event['body'] or ''}".rstrip()


def _other(event: Mapping[str, Any]) -> str:
    fields = {name: value for name, value in event.items() if name not in ("event", "at_us", "node")}
    return " ".join([event["event"], *(f"{name}={value}" for name, value in fields.items())])
