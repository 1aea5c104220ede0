"""Made-up instances: what a Then step says is not there, so that the proof can show it and see the step fail.

Each function describes one instance, by the fields by which the step looks for it; the rest is filled in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import fixtures
from harness.evidence.exchanges import ROLES
from harness.evidence.processes import Living

NUMBER = 1_000_000  # of a made-up exchange: later than every real one
PID = 0  # of a made-up process: no program's


@dataclass(frozen=True)
class Row:
    """A row of a table in the SQLite file `database` of a node."""

    node: str
    database: str
    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class MadeUp:
    """What is shown beside the true evidence. events: as the world tells them, without `at_us` where they are the
    last. processes: program, node, command line. files: node, directory, name."""

    events: tuple[Mapping[str, Any], ...] = ()
    processes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    rows: tuple[Row, ...] = ()
    files: tuple[tuple[str, str, str], ...] = ()


def event(kind: str, **fields: Any) -> MadeUp:
    """One event of the world (docs/design.md, "What the world tells")."""
    return MadeUp(events=({"event": kind, **fields},))


def passed(exchange: int, payload: Any) -> MadeUp:
    """One more event in the event stream of an exchange."""
    return event("passed", exchange=exchange, data=json.dumps(payload))


def exchange(
    *,
    asker: str = "blep",
    node: str | None = None,
    role: str | None = None,
    method: str = "GET",
    path: str = "/",
    sent: Any = None,
    answer: Any = None,
) -> MadeUp:
    """A request, answered with 200 and `answer`, after all others. Without a role it is one for SSH; without a node,
    for the host of that role outside every node."""
    port = ROLES[role].start if role else 22
    asked = {
        "event": "asked",
        "exchange": NUMBER,
        "asker": asker,
        "host": f"{node or role}.home.arpa",
        "port": port,
        "node": node,
        "method": method,
        "path": path,
        "headers": {},
        "body": json.dumps(sent),
    }
    answered = {"event": "answered", "exchange": NUMBER, "port": port, "path": path, "status": 200, "headers": {}}
    body = json.dumps(answer)
    ended = {"event": "ended", "exchange": NUMBER, "port": port, "path": path, "how": "complete", "body": body}
    return MadeUp(events=(asked, answered, {**ended, "size": len(body)}))


def process(program: str, node: str, *arguments: str) -> MadeUp:
    """A living process of `program` on a node, with these arguments."""
    return MadeUp(processes=((program, node, (program, *arguments)),))


def registry_row(node: str, of: str) -> MadeUp:
    """A row of the node `of` in the registry that the queen on `node` keeps."""
    return MadeUp(rows=(Row(node, fixtures.REGISTRY, "beehives", {"node_name": of}),))


def catalogue_row(node: str, reference: str = fixtures.MODEL) -> MadeUp:
    """A row of a model in the catalogue of `node`."""
    return MadeUp(rows=(Row(node, fixtures.CATALOGUE, "models", {"reference": reference}),))


def file(node: str, directory: str, name: str = "made-up") -> MadeUp:
    """A file in a directory of a node."""
    return MadeUp(files=((node, directory, name),))


def living(made_up: MadeUp, hosts: Mapping[str, str]) -> list[Living]:
    """The made-up processes. hosts: node → host."""
    return [Living(PID, argv, program, hosts[node], PID) for program, node, argv in made_up.processes if node in hosts]


def copy_with_rows(database: Path, rows: list[Row]) -> sqlite3.Connection:
    """A copy of the SQLite file in memory, in which these rows are too; what a column must have, it gets."""
    copy = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as original:
        original.backup(copy)
    for row in rows:
        columns = list(copy.execute(f"PRAGMA table_info({row.table})"))
        needed = {name: 0 if "INT" in kind.upper() else "" for _, name, kind, must, default, _ in columns if must}
        values = {**needed, **row.values}
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        copy.execute(f"INSERT INTO {row.table} ({names}) VALUES ({marks})", list(values.values()))
    return copy
