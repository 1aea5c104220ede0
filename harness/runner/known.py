"""Reds that are known: of a product that is not finished, only news should fail the run.

A file has a line of JSON for each: `scenario`, its name in the history (harness/runner/plan.py), `cause`, and perhaps
`note`, why it is so and for how long, and `flaky`, when it is green now and then."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.runner import verdict
from harness.runner.options import WrongUse
from harness.runner.plan import Planned
from harness.runner.verdict import Verdict

STRICT = ",strict"
KNOWN, CHANGED, NEW, MENDED = "known", "changed", "new", "mended"
NONE_OF_THESE = ""


@dataclass(frozen=True)
class Known:
    """The reds that are known, by the names of their scenarios. strict: one that is mended fails the run, too, so that
    the file is kept up."""

    rows: Mapping[str, Mapping[str, Any]]
    strict: bool = False

    def standing(self, planned: Planned, final: Verdict) -> str:
        """What a verdict is in the light of what is known: known, changed (red for another cause), new, or mended;
        none of these where there is nothing to be said of it."""
        row = self.rows.get(planned.key)
        if final.word == verdict.NOT_RUN or (row is None and not final.red):
            return NONE_OF_THESE
        if row is None:
            return NEW
        if not final.red:
            return NONE_OF_THESE if row.get("flaky") else MENDED
        return KNOWN if row["cause"] == cause(final) else CHANGED

    def fails(self, planned: Planned, final: Verdict) -> bool:
        """Whether the run is red because of this verdict."""
        standing = self.standing(planned, final)
        return (self.strict and standing == MENDED) or (final.red and standing != KNOWN)

    def note(self, planned: Planned) -> str:
        """What the file says of this scenario."""
        return str(self.rows.get(planned.key, {}).get("note", ""))


def cause(final: Verdict) -> str:
    """What reds for the same reason have in common: the cause in their story, without one the verdict's word."""
    return str(final.story["cause"]) if final.story and "cause" in final.story else final.word


def read(option: str) -> Known:
    """What `-D known=FILE` or `-D known=FILE,strict` names. Raises WrongUse, with the line that is none."""
    path = Path(option.removesuffix(STRICT)).expanduser().absolute()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"-D known={option}: {path} cannot be read: {error}") from error
    rows = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _row(line)
        if row is None:
            raise WrongUse(
                f'{path}:{number}: this is no known red; one is {{"scenario": "FILE::NAME", "cause": "…"}}, '
                "and scripts/known writes them"
            )
        rows[row["scenario"]] = row
    return Known(rows, option.endswith(STRICT))


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file that `read` understands, by rename. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    new.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    new.replace(path)


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    is_one = isinstance(row, dict) and all(isinstance(row.get(name), str) for name in ("scenario", "cause"))
    return row if is_one else None
