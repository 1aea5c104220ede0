"""The spool: what happens on a stage, written to a file as it happens, so that it outlives whoever was told it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

QUICK = 1  # gzip's level: the rest would take twice as long for a tenth less


class Spool:
    """The file at `path`, one JSON line an event. Raises OSError when it cannot be made."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, lines: bytes) -> None:
        """Append these lines. Whoever is killed a moment later has written them."""
        os.write(self._file, lines)

    def close(self) -> None:
        """Nothing more happens: what there is is packed, as `<path>.gz`."""
        os.close(self._file)
        packed = self._path.with_name(f"{self._path.name}.gz")
        new = packed.with_name(f"{packed.name}.new")
        new.write_bytes(gzip.compress(self._path.read_bytes(), QUICK, mtime=0))
        new.replace(packed)
        self._path.unlink()
