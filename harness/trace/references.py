"""References on file: those of the stand-ins in the repository, those of programs of the user's own in the state
directory."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.runner import history
from harness.trace.normal import FORMAT, Thing

OWN = Path(__file__).parent / "references"
KEPT = 500  # references of programs of the user's own: eight times the 62, for as many sets of programs
SQUEEZE = 9


@dataclass(frozen=True)
class Kind:
    """Of what a reference is one. said: all that the scenario says. replaced: the programs that are the user's own, by
    name and not by content: a fresh build is held against the one before."""

    said: str
    replaced: tuple[str, ...]
    clock: str

    @property
    def key(self) -> str:
        """The name of its file."""
        parts = json.dumps([FORMAT, self.said, sorted(self.replaced), self.clock])
        return hashlib.sha256(parts.encode()).hexdigest()[:16]


def place(kind: Kind, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the reference of this kind lies, or would."""
    if kind.replaced:
        project = history.project(os.getcwd())
        return history.state(environ) / "references" / project / f"{kind.key}.json.gz"
    return OWN / f"{kind.key}.json.gz"


def load(kind: Kind) -> list[Thing] | None:
    """The reference of this kind; None where there is none that can be read."""
    try:
        return unpacked(place(kind).read_bytes())
    except (OSError, ValueError, TypeError, EOFError):
        return None


def keep(kind: Kind, things: Sequence[Thing]) -> None:
    """Keep a green trace of a program of the user's own. Raises OSError when the place cannot be written."""
    path = place(kind)
    history.write(path, packed(things))
    history.prune(path.parent, KEPT)


def packed(things: Sequence[Thing]) -> bytes:
    """A trace as a file: the same bytes for the same trace."""
    channels = list(dict.fromkeys(thing.channel for thing in things))
    number = {channel: n for n, channel in enumerate(channels)}
    rows = [(t.step, number[t.channel], t.at_us, t.what, t.speaker) for t in things]
    text = json.dumps({"format": FORMAT, "channels": channels, "things": rows}, ensure_ascii=False)
    return gzip.compress(text.encode(), SQUEEZE, mtime=0)


def unpacked(content: bytes) -> list[Thing]:
    """The trace in a file. Raises ValueError for what is none."""
    told = json.loads(gzip.decompress(content))
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']}, not {FORMAT}")
    return [Thing(step, told["channels"][n], at_us, what, who) for step, n, at_us, what, who in told["things"]]
