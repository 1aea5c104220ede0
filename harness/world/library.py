"""The model files of a run: each is made once, and then linked to wherever a stage wants it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness import fixtures
from harness.world.hub import Hub
from harness.world.models import write_model


class Library:
    """Makes model files in `directory`. A description is what `models.write_model` takes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def model(self, **description: Any) -> Path:
        """The model file of this description, made at first need."""
        name = "-".join(f"{key}={value}" for key, value in sorted(description.items()))
        file = self._directory / f"{name}.gguf"
        if not file.exists():
            write_model(file, **description)
        return file

    def place(self, file: Path, **description: Any) -> None:
        """Put the model of this description at `file`, instead of what was there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        os.link(self.model(**description), file)

    def publish_standard(self, hub: Hub) -> None:
        """Publish TEST-001's model, TinyLlama in Q4_K_M, where its reference leads."""
        hub.publish(fixtures.HUB_PATH, self.model(size_bytes=fixtures.MODEL_BYTES))
