"""What Then steps want to see of what programs logged. Every function raises AssertionError with what was seen."""

from __future__ import annotations

import re
from typing import Any

from harness.evidence import Evidence

STAMP = re.compile(r"^\S+Z +(INFO|WARN|ERROR) ")  # the time of day and the level with which a log line begins


def lines(evidence: Evidence, node: str, **like: Any) -> list[tuple[int, str]]:
    """The lines that programs (or those whose outputs have the fields `like`) printed on `node`, in order, each with
    the time at which it was whole; the time of day and the level with which a log line begins are left out."""
    rests: dict[tuple[int, str], str] = {}
    found = []
    for event in evidence.of_kind("output", node=node, **like):
        pipe = (event["pid"], event["stream"])
        *whole, rests[pipe] = (rests.get(pipe, "") + event["text"]).split("\n")
        found += [(event["at_us"], STAMP.sub("", line)) for line in whole]
    return found


def expect_logged(evidence: Evidence, node: str, line: str) -> None:
    """A program on `node` printed this line, by the rule of `lines`."""
    printed = [text for _, text in lines(evidence, node)]
    assert line in printed, f"{line!r} is not in the logs of {node}:\n  " + "\n  ".join(printed)
