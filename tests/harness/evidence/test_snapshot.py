"""What programs have left behind, as data."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness import fixtures
from harness.evidence.snapshot import snapshot
from harness.place import Place


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Files have the same mode for everybody."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_rows_and_files_of_each_node(tmp_path: Path) -> None:
    place = Place("blep", "blep.home.arpa", "127.0.0.1", tmp_path)
    for path in ("home/.rbee", "home/.ssh", "root/models"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "home/.ssh/key").touch()
    (tmp_path / "root/models/m.gguf").touch()
    (tmp_path / "home/c.toml").write_text("a = 1")
    with closing(sqlite3.connect(place.path(fixtures.REGISTRY))) as database, database:
        database.execute("CREATE TABLE beehives (node_name, status)")
        database.execute("INSERT INTO beehives VALUES ('workstation', 'reachable')")

    assert snapshot([place]) == {
        "blep": {
            "rows": {"beehives": [{"node_name": "workstation", "status": "reachable"}]},
            "files": [["/models/m.gguf", "600"], ["~/.rbee/beehives.db", "600"], ["~/c.toml", "600", "a = 1"]],
        }
    }


def test_a_database_that_cannot_be_read_is_a_file_and_no_more(tmp_path: Path) -> None:
    place = Place("blep", "blep.home.arpa", "127.0.0.1", tmp_path)
    (tmp_path / "home/.rbee").mkdir(parents=True)
    place.path(fixtures.REGISTRY).write_text("no database")

    assert snapshot([place]) == {"blep": {"rows": {}, "files": [["~/.rbee/beehives.db", "600"]]}}
