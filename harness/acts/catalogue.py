"""A node's model catalogue, as the operator prepares it: the table as rbee builds it (docs/contract.md, section
1.3)."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from harness import fixtures
from harness.place import Place

SCHEMA = """
CREATE TABLE IF NOT EXISTS models (
    reference TEXT NOT NULL, provider TEXT NOT NULL, local_path TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    downloaded_at INTEGER NOT NULL, PRIMARY KEY (reference, provider))
"""


def create(place: Place) -> None:
    """Make an empty catalogue on the node."""
    file = place.path(fixtures.CATALOGUE)
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(SCHEMA)


def add(place: Place, model: str, local_path: str, size_bytes: int, downloaded_at: int) -> None:
    """Enter `model` (`hf:org/repo`) as downloaded at the Unix time `downloaded_at` to `local_path`."""
    provider, reference = model.split(":", 1)
    with closing(sqlite3.connect(place.path(fixtures.CATALOGUE))) as connection, connection:
        values = (reference, provider, local_path, size_bytes, downloaded_at)
        connection.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?)", values)
