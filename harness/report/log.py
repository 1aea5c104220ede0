"""Reading an event log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def read(path: Path) -> Iterator[Event]:
    """The events in the log at `path`, in order. A last line that is cut off, as a killed runner leaves it, is left
    out."""
    with path.open(encoding="utf-8") as log:
        for line in log:
            if line.endswith("\n"):
                yield json.loads(line)
