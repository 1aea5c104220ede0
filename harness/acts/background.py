"""What the background of every scenario says, checked. Every function raises AssertionError when it does not hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from behave.model import Table

from harness import expect, fixtures
from harness.acts import catalogue
from harness.place import Place
from harness.stage import Stage

HEADER = b"SQLite format 3\0"


def check_topology(stage: Stage, table: Table) -> None:
    """The stage's nodes are those of the table, with their hosts and devices."""
    seen = {name: (place.host, _devices(place)) for name, place in stage.places.items()}
    expect.equal("the topology", seen, {row["node"]: (row["host"], row["devices"]) for row in table})


def _devices(place: Place) -> str:
    cuda = (place.directory / "facts" / "cuda").read_text().split("\n")
    return ", ".join([*(f"cuda:{line.split()[0]}" for line in cuda if line), "cpu"])


def check_caller(stage: Stage, node: str) -> None:
    """The user's commands run on `node`."""
    expect.equal("the node where the user sits", stage.control, node)


def check_queen(stage: Stage, url: str) -> None:
    """A queen has answered at `url` since the stage began, and has not ended."""
    health = stage.evidence.exchange(asker="operator", method="GET", path="/health", status=200)
    expect.equal("where the queen answered", f"http://{health.host}:{health.port}", url)
    expect.equal("the queen's status", health.answered["status"], "ok")
    expect.equal("the queen's exit code", stage.evidence.run("queen-rbee").code, None)


def check_registry(stage: Stage, path: str) -> None:
    """The registry of nodes is an SQLite file at `path` with the table beehives."""
    expect.equal("the path of the registry", path, fixtures.REGISTRY)
    file = stage.evidence.file(stage.control, path)
    expect.equal(f"the beginning of {path}", file.read_bytes()[: len(HEADER)], HEADER)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "beehives" in tables, f"{path} has the tables {tables}, and no beehives"


def prepare_catalogue(stage: Stage, path: str) -> None:
    """Every node that runs a hive has an empty catalogue, an SQLite file at `path`."""
    expect.equal("the path of the catalogue", path, fixtures.CATALOGUE)
    for name, place in stage.places.items():
        catalogue.create(place)
        expect.equal(f"the rows of {path} on {name}", stage.evidence.catalogue_rows(name), [])


def check_no_worker_registry(stage: Stage) -> None:
    """No node keeps anything on disk but the two SQLite files: workers are nowhere but in memory."""
    for name in stage.places:
        kept = set(stage.evidence.files(name, "~/.rbee")) - {
            Path(fixtures.REGISTRY).name,
            Path(fixtures.CATALOGUE).name,
        }
        expect.equal(f"other files in ~/.rbee on {name}", kept, set())
