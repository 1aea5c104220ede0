"""The registry of nodes: what stands in its file, read without it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mocks.common import clock
from mocks.common.errors import RbeeError
from mocks.queen.registry import Registry, RegistryError
from tests.mocks.queen.conftest import START_US, Hands, node

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a" / "b" / "beehives.db"


@pytest.fixture
def registry(path: Path) -> Registry:
    return Registry(path)


def rows(path: Path, statement: str = "SELECT * FROM beehives ORDER BY node_name") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(statement).fetchall()


@pytest.mark.usefixtures("registry")
def test_table_is_as_the_real_queen_makes_it(path: Path) -> None:
    assert [row[1:] for row in rows(path, "PRAGMA table_info(beehives)")] == [
        ("node_name", "TEXT", 0, None, 1),
        ("ssh_host", "TEXT", 1, None, 0),
        ("ssh_port", "INTEGER", 1, "22", 0),
        ("ssh_user", "TEXT", 1, None, 0),
        ("ssh_key_path", "TEXT", 0, None, 0),
        ("git_repo_url", "TEXT", 1, None, 0),
        ("git_branch", "TEXT", 1, None, 0),
        ("install_path", "TEXT", 1, None, 0),
        ("last_connected_unix", "INTEGER", 0, None, 0),
        ("status", "TEXT", 1, "'unknown'", 0),
        ("backends", "TEXT", 0, None, 0),
        ("devices", "TEXT", 0, None, 0),
    ]


def test_row_holds_every_field(registry: Registry, path: Path) -> None:
    full = replace(node("h"), ssh_key_path="~/k", backends='["cpu"]', devices='{"cpu":1}', last_connected_unix=7)

    registry.add(full)

    assert rows(path) == [astuple(full)]


@settings(max_examples=30)
@given(name=TEXT, install_path=TEXT, key_path=st.none() | TEXT)
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, name: str, install_path: str, key_path: str | None
) -> None:
    registry = Registry(tmp_path_factory.getbasetemp() / "any.db")
    kept = replace(node("h", name=name), install_path=install_path, ssh_key_path=key_path)

    registry.add(kept)

    assert registry.find(name) == kept


def test_nodes_come_by_name(registry: Registry) -> None:
    for name in ("b", "c", "a"):
        registry.add(node("h", name=name))

    assert [one.node_name for one in registry.nodes()] == ["a", "b", "c"]


def test_node_of_the_same_name_is_replaced(registry: Registry, path: Path) -> None:
    registry.add(node("old"))

    registry.add(node("new"))

    assert [row[1] for row in rows(path)] == ["new"]


def test_removed_node_is_gone(registry: Registry, path: Path) -> None:
    registry.add(node("h"))

    assert registry.remove("workstation")

    assert rows(path) == []


def test_unknown_node_cannot_be_removed(registry: Registry) -> None:
    assert not registry.remove("workstation")


@pytest.mark.usefixtures("hands")
def test_reached_node_gets_time_and_status(registry: Registry, path: Path) -> None:
    registry.add(node("h"))

    registry.mark_reachable("workstation")

    assert rows(path, "SELECT last_connected_unix, status FROM beehives") == [(START_US // 1_000_000, "reachable")]


def test_unreachable_node_keeps_its_time(registry: Registry, path: Path) -> None:
    registry.add(replace(node("h"), last_connected_unix=7))

    registry.mark_unreachable("workstation")

    assert rows(path, "SELECT last_connected_unix, status FROM beehives") == [(7, "unreachable")]


def test_file_of_an_earlier_queen_is_kept(registry: Registry, path: Path) -> None:
    registry.add(node("h"))

    assert Registry(path).nodes() == [node("h")]


def test_additional_columns_are_ignored(registry: Registry, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE beehives ADD COLUMN last_error TEXT")

    registry.add(node("h"))

    assert registry.nodes() == [node("h")]


def test_older_table_is_not_migrated(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE beehives (node_name TEXT PRIMARY KEY)")

    with pytest.raises(RegistryError, match=r"table beehives has no column named"):
        Registry(path).add(node("h"))


def test_locked_file_is_given_five_seconds(registry: Registry, path: Path, hands: Hands) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(RegistryError, match=r"^Registry error: database is locked$"):
            registry.add(node("h"))

    assert sum(hands.pauses_s) == pytest.approx(5)


def test_node_is_stored_once_the_file_is_free(registry: Registry, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(clock, "sleep", lambda _: other.execute("COMMIT"))

        registry.add(node("h"))

    assert len(rows(path)) == 1


def test_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(RbeeError) as raised:
        Registry(tmp_path)

    assert raised.value.message == (
        "Failed to open beehives.db\n\nCaused by:\n"
        f"    0: unable to open database file: {tmp_path}\n"
        "    1: Error code 14: Unable to open the database file"
    )


def test_other_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database, but long enough to be looked at as one" * 10)

    with pytest.raises(RbeeError) as raised:
        Registry(tmp_path / "x.db")

    expected = "file is not a database\n\nCaused by:\n    Error code 26: File opened that is not a database file"
    assert raised.value.message == expected
