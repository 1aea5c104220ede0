"""The node's model catalogue: table `models` in `~/.rbee/models.db` (docs/contract.md, section 1.3)."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from mocks.common import machine
from mocks.common.errors import RbeeError

_TABLE = """
CREATE TABLE IF NOT EXISTS models (
    reference TEXT NOT NULL,
    provider TEXT NOT NULL,
    local_path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    downloaded_at INTEGER NOT NULL,
    PRIMARY KEY (reference, provider)
)
"""


@dataclass(frozen=True)
class Model:
    """A row: `hf`'s `org/repo`, the file on this machine, its size in bytes, Unix time of its download in seconds."""

    reference: str
    provider: str
    local_path: str
    size_bytes: int
    downloaded_at: int


def database() -> Path:
    """Where the catalogue is."""
    return machine.home() / ".rbee" / "models.db"


def create() -> None:
    """Make the catalogue unless it is there. Raises RbeeError INTERNAL_ERROR when that cannot be done."""
    try:
        database().parent.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise RbeeError("INTERNAL_ERROR", f"Catalog error: {failure}") from failure
    with _connected() as connection:
        connection.execute(_TABLE)


def find(provider: str, reference: str) -> Model | None:
    """The row of a model, or None. Raises RbeeError INTERNAL_ERROR when the catalogue cannot be read."""
    with _connected() as connection:
        row = connection.execute(
            "SELECT reference, provider, local_path, size_bytes, downloaded_at FROM models"
            " WHERE provider = ? AND reference = ?",
            (provider, reference),
        ).fetchone()
    return Model(*row) if row else None


def add(model: Model) -> None:
    """Insert the row, in place of an older one of the same model. Raises RbeeError INTERNAL_ERROR when it cannot."""
    with _connected() as connection:
        connection.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?)", astuple(model))


@contextlib.contextmanager
def _connected() -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(database())) as connection, connection:
            yield connection
    except sqlite3.Error as failure:
        raise RbeeError("INTERNAL_ERROR", f"Catalog error: {failure}") from failure
