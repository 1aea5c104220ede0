"""The event log: what happens in a run, one JSON line each, as it happens. docs/runner.md has the schema."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
Event = dict[str, Any]


class EventLog:
    """Appends events to the file at `path`, and tells each to the listeners too. The file stays locked while a process
    of the run lives."""

    def __init__(self, path: Path, listeners: Sequence[Callable[[Event], None]] = ()) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._listeners = listeners
        self._began_s = time.monotonic()

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event; `at_s` is the time in seconds since the log was opened."""
        record = {"event": event, "at_s": round(time.monotonic() - self._began_s, 4), **fields}
        self._file.write(json.dumps(record) + "\n")
        for listener in self._listeners:
            listener(record)

    def close(self) -> None:
        """Nothing more happens."""
        self._file.close()
