"""Progress of downloads and of loading, as one line each (docs/contract.md, section 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CELLS = 20
MIB = 2**20


@dataclass(frozen=True)
class Bar:
    """A moment of something that goes on: its stage, how far it is, and the line that says so."""

    stage: str
    percent: int
    text: str


def bar(event: Mapping[str, Any]) -> Bar | None:
    """The bar of a progress event (docs/contract.md, sections 2.2 and 2.3); None when it has none to show."""
    match event:
        case {"stage": "downloading", "bytes_downloaded": int(done), "bytes_total": int(total)}:
            speed = event.get("speed_mbps")
            pace = f" @ {speed:.1f} MB/s" if isinstance(speed, int | float) else ""
            amount = f"({done / MIB:.1f} MB / {total / MIB:.1f} MB){pace}"
            return _bar("downloading", "Downloading model...", done, total, amount)
        case {"stage": "loading_to_vram", "layers_loaded": int(done), "layers_total": int(total)}:
            return _bar("loading", "Loading model to VRAM...", done, total, f"({done}/{total} layers)")
    return None


def _bar(stage: str, title: str, done: int, total: int, amount: str) -> Bar:
    percent = max(0, min(100, done * 100 // total)) if total > 0 else 0
    filled = percent * CELLS // 100
    return Bar(stage, percent, f"{title} [{'█' * filled}{'-' * (CELLS - filled)}] {percent}% {amount}")
