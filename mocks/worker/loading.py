"""A model's way into VRAM, which others can follow (docs/contract.md, section 2.3; its pace: section 9 row 13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mocks.common import clock
from mocks.common.feed import Feed

STEP_LAYERS = 4
STEP_S = 0.4


class Loading:
    """How many of a model's layers are in VRAM. `size_bytes` is what they need there in the end."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._layers_loaded = 0
        self._layers_total = 1
        self._events: Feed[dict[str, Any]] = Feed()

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
        began_us = clock.now_us()
        for number, loaded in enumerate([*range(STEP_LAYERS, layers, STEP_LAYERS), layers], start=1):
            clock.sleep(number * STEP_S - (clock.now_us() - began_us) / 1_000_000)
            self._layers_loaded = loaded
            figures = {"layers_loaded": loaded, "layers_total": layers, "vram_mb": -(-self.vram_bytes // 2**20)}
            self._events.add({"stage": "loading_to_vram", **figures})

    def finish(self) -> None:
        """The model can be used: tell it, as the last event."""
        self._events.add({"stage": "ready"})
        self._events.close()

    def follow(self) -> Iterator[dict[str, Any]]:
        """Every event from the first on, as it comes, until the model can be used."""
        return self._events.follow()
