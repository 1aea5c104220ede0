"""The registry of nodes: table `beehives` of an SQLite file (docs/contract.md, section 1.1)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from mocks.common import clock
from mocks.common.errors import RbeeError

Value = str | int | None

BUSY_LIMIT_S = 5.0  # how long somebody else may keep the file locked: docs/contract.md, section 1.1
BUSY_STEP_S = 0.1

_CREATE = """
CREATE TABLE IF NOT EXISTS beehives (
    node_name TEXT PRIMARY KEY,
    ssh_host TEXT NOT NULL,
    ssh_port INTEGER NOT NULL DEFAULT 22,
    ssh_user TEXT NOT NULL,
    ssh_key_path TEXT,
    git_repo_url TEXT NOT NULL,
    git_branch TEXT NOT NULL,
    install_path TEXT NOT NULL,
    last_connected_unix INTEGER,
    status TEXT NOT NULL DEFAULT 'unknown',
    backends TEXT,
    devices TEXT
)
"""


@dataclass(frozen=True)
class Node:
    """A row of the registry. `backends` and `devices` are JSON held as text; times are Unix seconds."""

    node_name: str
    ssh_host: str
    ssh_port: int
    ssh_user: str
    ssh_key_path: str | None
    git_repo_url: str
    git_branch: str
    install_path: str
    last_connected_unix: int | None
    status: str
    backends: str | None
    devices: str | None


class RegistryError(RbeeError):
    """The file cannot be used; `reason` is what SQLite says."""

    def __init__(self, reason: str) -> None:
        super().__init__("REGISTRY_ERROR", f"Registry error: {reason}")
        self.reason = reason


_COLUMNS = ", ".join(field.name for field in fields(Node))


class Registry:
    """The nodes in the file at `path`. Directories and table are made at need; a table that exists stays as it is.

    Raises OSError when the directory cannot be made, RbeeError when the file cannot be opened or is no database. The
    methods raise RegistryError, also when the file stays locked for 5 s on the clock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._do_once_free(_CREATE)
        except sqlite3.Error as error:
            raise RbeeError("REGISTRY_ERROR", _why_unusable(error, path)) from error

    def add(self, node: Node) -> None:
        """Store `node`; one of the same name is replaced."""
        marks = ", ".join("?" for _ in fields(Node))
        self._do(f"INSERT OR REPLACE INTO beehives ({_COLUMNS}) VALUES ({marks})", *astuple(node))

    def nodes(self) -> list[Node]:
        """All nodes, by name."""
        return self._do_select("ORDER BY node_name")

    def find(self, name: str) -> Node | None:
        """The node of that name, or None."""
        return next(iter(self._do_select("WHERE node_name = ?", name)), None)

    def remove(self, name: str) -> bool:
        """Forget the node of that name. Returns whether there was one."""
        return bool(self._do("DELETE FROM beehives WHERE node_name = ? RETURNING node_name", name))

    def mark_reachable(self, name: str) -> None:
        """Note that the node of that name, if there is one, has just been reached."""
        now_s = clock.now_us() // 1_000_000
        self._do("UPDATE beehives SET status = 'reachable', last_connected_unix = ? WHERE node_name = ?", now_s, name)

    def mark_unreachable(self, name: str) -> None:
        """Note that the node of that name, if there is one, could not be reached."""
        self._do("UPDATE beehives SET status = 'unreachable' WHERE node_name = ?", name)

    def _do_select(self, rest: str, *values: str) -> list[Node]:
        return [Node(*row) for row in self._do(f"SELECT {_COLUMNS} FROM beehives {rest}", *values)]

    def _do(self, statement: str, *values: Value) -> list[tuple[Any, ...]]:
        try:
            return self._do_once_free(statement, *values)
        except sqlite3.Error as error:
            raise RegistryError(str(error)) from error

    def _do_once_free(self, statement: str, *values: Value) -> list[tuple[Any, ...]]:
        """Run one statement. The library's own wait for a lock is real time, so it is not used."""
        for _ in range(round(BUSY_LIMIT_S / BUSY_STEP_S)):
            try:
                return self._try(statement, values)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            clock.sleep(BUSY_STEP_S)
        return self._try(statement, values)

    def _try(self, statement: str, values: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path, timeout=0)) as database, database:
            return database.execute(statement, values).fetchall()


def _why_unusable(error: sqlite3.Error, path: Path) -> str:
    """The text of the real queen for a file that it cannot use."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_CANTOPEN:
        return (
            "Failed to open beehives.db\n\nCaused by:\n"
            f"    0: unable to open database file: {path}\n"
            "    1: Error code 14: Unable to open the database file"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return "file is not a database\n\nCaused by:\n    Error code 26: File opened that is not a database file"
    return str(error)
