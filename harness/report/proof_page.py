"""The figures in docs/proof.md: how many Then steps a run has proven, written from its event log and never by hand."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.report import progress_page
from harness.report.log import Event
from harness.report.proven import Proven

BEGIN, END = "<!-- figures: scripts/proof -->\n", "<!-- end of figures -->"
# What the Rust harness has, counted by reading its steps: so many can fail because of the product.
RUST_PROVEN, RUST_TOTAL = 14, 274


def figures(events: Sequence[Event], commit: str) -> str:
    """The table for a run of the sources at `commit`."""
    proven = Proven()
    for event in events:
        proven(event)
    started = next(event for event in events if event["event"] == "run_started")
    rows = [
        "| harness | Then steps | of which can fail because of the product |",
        "|---|---|---|",
        f"| the Rust harness | {RUST_TOTAL} | {RUST_PROVEN} |",
        f"| rbee-bdd | {proven.total} | **{proven.proven}** |",
        "",
        f"{proven}, in the run of {started['utc']} with {started['planned']} scenarios at commit {commit}.",
    ]
    return "\n".join(rows) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the figures into the page: event log, page, commit. Returns 0, or 2 when the log cannot be used."""
    source, target, commit = arguments
    try:
        events = progress_page.read(Path(source))
    except progress_page.NotALog as error:
        print(f"proof: {error}", file=sys.stderr)
        return 2
    page = Path(target)
    text = page.read_text(encoding="utf-8")
    written = f"{BEGIN}{figures(events, commit)}{END}"
    page.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: written, text, flags=re.DOTALL), encoding="utf-8")
    print(f"proof: written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
