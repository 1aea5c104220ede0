"""The figures of docs/proof.md: from the event log, into their place in the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.report import proof_page

STARTED = {"event": "run_started", "utc": "2026-11-22T22:35:19+00:00", "planned": 2, "prove": True}
EVENTS: list[dict[str, Any]] = [
    STARTED,
    {"event": "planned", "thens": 3},
    {"event": "planned", "thens": 2},
    {"event": "step_ended", "proven": None},
    *({"event": "step_ended", "proven": proven} for proven in (True, True, True, True, False)),
    {"event": "run_ended"},
]


def test_figures_count_the_proven_of_all_planned_then_steps() -> None:
    figures = proof_page.figures(EVENTS, "abc123")

    assert "| rbee-bdd | 5 | **4** |" in figures
    assert (
        "4 of 5 Then steps proven, in the run of 2026-11-22T22:35:19+00:00 with 2 scenarios at commit abc123."
        in figures
    )
    assert "| the Rust harness | 274 | 14 |" in figures


def test_figures_take_the_place_of_older_ones_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    log, page = tmp_path / "events.jsonl", tmp_path / "proof.md"
    log.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    page.write_text(f"before\n{proof_page.BEGIN}old\n{proof_page.END}\nafter\n")

    code = proof_page.main([str(log), str(page), "abc123"])

    text = page.read_text()
    assert code == 0
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "**4**" in text


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    assert proof_page.main([str(tmp_path / "none"), str(tmp_path / "page"), "abc123"]) == 2
