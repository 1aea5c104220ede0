"""Progress, as lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.keeper import progress

MIB = 2**20


def downloading(done: int, total: int, **more: Any) -> dict[str, Any]:
    return {"stage": "downloading", "bytes_downloaded": done, "bytes_total": total, **more}


def loading(done: int, total: int) -> dict[str, Any]:
    return {"stage": "loading_to_vram", "layers_loaded": done, "layers_total": total, "vram_mb": 1}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (downloading(2 * MIB, 5 * MIB), "Downloading model... [████████------------] 40% (2.0 MB / 5.0 MB)"),
        (
            downloading(4 * MIB, 5 * MIB, speed_mbps=45.2),
            "Downloading model... [████████████████----] 80% (4.0 MB / 5.0 MB) @ 45.2 MB/s",
        ),
        (downloading(0, 0), "Downloading model... [--------------------] 0% (0.0 MB / 0.0 MB)"),
        (loading(24, 32), "Loading model to VRAM... [███████████████-----] 75% (24/32 layers)"),
        (loading(32, 32), "Loading model to VRAM... [████████████████████] 100% (32/32 layers)"),
    ],
)
def test_lines(event: dict[str, Any], text: str) -> None:
    bar = progress.bar(event)

    assert bar is not None
    assert bar.text == text


@pytest.mark.parametrize("event", [{}, {"stage": "ready"}, {"stage": "downloading"}, downloading("1", 2)])  # type: ignore[arg-type]
def test_other_events_have_no_bar(event: dict[str, Any]) -> None:
    assert progress.bar(event) is None


@given(st.integers(), st.integers())
def test_a_bar_has_always_its_cells_and_a_percentage(done: int, total: int) -> None:
    bar = progress.bar(loading(done, total))

    assert bar is not None
    cells = bar.text.partition("[")[2].partition("]")[0]
    assert len(cells) == progress.CELLS
    assert cells.count("█") == bar.percent * progress.CELLS // 100
    assert 0 <= bar.percent <= 100
