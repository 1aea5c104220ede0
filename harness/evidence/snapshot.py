"""What programs have left behind by now, as data: some of what they do wrong leaves no other mark."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from typing import Any

from harness import fixtures
from harness.place import Place

TABLES = {fixtures.REGISTRY: "beehives", fixtures.CATALOGUE: "models"}
CONFIGURATION, MOST_CHARACTERS = (".toml", ".yaml", ".json"), 2000
UNSEEN = {".ssh", ".cache", "target"}  # what the harness has put there, and what nobody promises


def snapshot(places: Iterable[Place]) -> dict[str, Any]:
    """The rows of each node's databases, and its files: path (in its home as `~/…`), mode, and of a configuration what
    it says."""
    return {place.name: {"rows": _rows(place), "files": sorted(_files(place))} for place in places}


def _rows(place: Place) -> Mapping[str, list[dict[str, Any]]]:
    found = {}
    for database, table in TABLES.items():
        path = place.path(database)
        # One that is no database, or lacks the table, is for the steps to find.
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            found[table] = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
    return found


def _files(place: Place) -> Iterable[list[str]]:
    for root, written in (("home", "~"), ("root", "")):
        top = f"{place.directory}/{root}"
        for directory, below, names in os.walk(top):
            below[:] = [name for name in below if name not in UNSEEN]
            for name in names:
                with suppress(OSError):  # it is gone by now
                    yield [f"{written}{directory[len(top) :]}/{name}", *_about(f"{directory}/{name}")]


def _about(path: str) -> list[str]:
    mode = f"{os.stat(path).st_mode & 0o777:o}"
    if os.path.splitext(path)[1] not in CONFIGURATION:
        return [mode]
    with open(path, encoding="utf-8", errors="replace") as file:
        return [mode, file.read(MOST_CHARACTERS)]
