"""The catalogue as others find it on disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from mocks.common.errors import RbeeError
from mocks.hive import catalog
from tests.mocks.hive.conftest import Machine

ROW = catalog.Model("org/repo", "hf", "/models/repo.gguf", 5_242_880, 1_728_508_603)


def test_table_is_as_rbee_makes_it(machine: Machine) -> None:
    catalog.create()

    with closing(sqlite3.connect(machine.home / ".rbee" / "models.db")) as database:
        columns = database.execute("PRAGMA table_info(models)").fetchall()
    assert [(name, kind, needed, key) for _, name, kind, needed, _, key in columns] == [
        ("reference", "TEXT", 1, 1),
        ("provider", "TEXT", 1, 2),
        ("local_path", "TEXT", 1, 0),
        ("size_bytes", "INTEGER", 1, 0),
        ("downloaded_at", "INTEGER", 1, 0),
    ]


@pytest.mark.usefixtures("machine")
def test_added_model_is_found() -> None:
    catalog.create()

    catalog.add(ROW)

    assert catalog.find("hf", "org/repo") == ROW
    assert catalog.find("other", "org/repo") is None


@pytest.mark.usefixtures("machine")
def test_newer_row_takes_the_place_of_the_older() -> None:
    catalog.create()
    catalog.add(ROW)
    newer = catalog.Model("org/repo", "hf", "/elsewhere.gguf", 1, 2)

    catalog.add(newer)

    assert catalog.find("hf", "org/repo") == newer


@pytest.mark.usefixtures("machine")
def test_existing_catalogue_is_kept() -> None:
    catalog.create()
    catalog.add(ROW)

    catalog.create()

    assert catalog.find("hf", "org/repo") == ROW


def test_lost_table_is_named(machine: Machine) -> None:
    (machine.home / ".rbee").mkdir()

    with pytest.raises(RbeeError, match="Catalog error: no such table: models"):
        catalog.find("hf", "org/repo")


def test_home_that_cannot_be_written_is_named(machine: Machine) -> None:
    (machine.home / ".rbee").write_text("")

    with pytest.raises(RbeeError, match=r"Catalog error: .*File exists"):
        catalog.create()
