"""A model's way into VRAM, which others can follow (docs/contract.md, section 2.3; its pace: section 9 row 13)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from mocks.common import clock

STEP_LAYERS = 4
STEP_S = 0.4


class Loading:
    """How many of a model's layers are in VRAM. `size_bytes` is what they need there in the end."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._layers_loaded = 0
        self._layers_total = 1
        self._events: list[dict[str, Any]] = []
        self._over = False
        self._changed = threading.Condition()

    @property
    def share(self) -> float:
        """How much of the model is loaded: 0 to 1."""
        return self._layers_loaded / self._layers_total

    @property
    def vram_bytes(self) -> int:
        """What the layers loaded so far take."""
        return self._size_bytes * self._layers_loaded // self._layers_total

    def load(self, layers: int) -> None:
        """Load all layers, four at a time with 400 ms on the clock before them. Every step is told to who follows."""
        self._layers_total = layers
        for loaded in [*range(STEP_LAYERS, layers, STEP_LAYERS), layers]:
            clock.sleep(STEP_S)
            self._layers_loaded = loaded
            self._tell(
                {
                    "stage": "loading_to_vram",
                    "layers_loaded": loaded,
                    "layers_total": layers,
                    "vram_mb": -(-self.vram_bytes // 2**20),
                }
            )

    def finish(self) -> None:
        """The model can be used: tell it, as the last event."""
        self._tell({"stage": "ready"}, last=True)

    def _tell(self, event: dict[str, Any], *, last: bool = False) -> None:
        with self._changed:
            self._events.append(event)
            self._over = last
            self._changed.notify_all()

    def follow(self) -> Iterator[dict[str, Any]]:
        """Every event from the first on, as it comes, until the model can be used."""
        told = 0
        while True:
            with self._changed:
                while told == len(self._events):
                    if self._over:
                        return
                    self._changed.wait()
                fresh = self._events[told:]
            told += len(fresh)
            yield from fresh
