"""The event log: what happens in a run, one JSON line each, as it happens. docs/runner.md has the schema."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.runner.monotonic import now_s

SCHEMA_VERSION = 2
Event = dict[str, Any]


class EventLog:
    """Appends events to the file at `path`, and tells each to the listeners too. The file stays locked while a process
    of the run lives.

    broken: why events are missing in the file, if some are: a full disk, say. Listeners are told all the same."""

    def __init__(self, path: Path, listeners: Sequence[Callable[[Event], object]] = ()) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.broken: OSError | None = None
        self._listeners = listeners
        self._began_s = now_s()

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event; `at_s` is the time in seconds since the log was opened."""
        record = {"event": event, "at_s": round(now_s() - self._began_s, 4), **fields}
        self._write(json.dumps(record, default=repr).encode() + b"\n")
        for listener in self._listeners:
            listener(record)

    def _write(self, line: bytes) -> None:
        length = -1
        try:
            length = os.fstat(self._file).st_size
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes could be written")
        except OSError as error:
            self.broken = self.broken or error
            with suppress(OSError):  # what is there stays lines
                os.ftruncate(self._file, length)

    def close(self) -> None:
        """Nothing more happens."""
        os.close(self._file)
