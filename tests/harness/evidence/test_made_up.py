"""Made-up instances, shown beside the evidence."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.evidence import Evidence, made_up
from harness.place import Place
from tests.harness import told

WORKER = "llm-worker-rbee"


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """Evidence of a stage with the node blep, where a registry has the row of one node."""
    place = Place("blep", "blep.home.arpa", "127.1.1.1", tmp_path)
    registry = place.path("~/.rbee/beehives.db")
    registry.parent.mkdir(parents=True)
    with closing(sqlite3.connect(registry)) as connection:
        connection.execute("CREATE TABLE beehives (node_name TEXT PRIMARY KEY, ssh_port INTEGER NOT NULL)")
        connection.execute("INSERT INTO beehives VALUES ('workstation', 22)")
        connection.commit()
    login = {"event": "login", "at_us": 5, "node": "workstation"}
    return told.evidence(login, nodes=["blep"], directory=tmp_path, mark="no stage has this mark")


def test_a_request_is_found_by_the_fields_that_it_was_made_with(evidence: Evidence) -> None:
    shown = evidence.at_once(
        made_up.exchange(role="hive", node="blep", path="/v1/workers/list", answer={"workers": []})
    )

    [found] = shown.exchanges(role="hive", node="blep", path="/v1/workers/list", status=200)
    assert found.answer == {"workers": []}
    assert found.asked_at_us == 6


def test_a_row_is_found_by_the_query_itself_and_the_file_stays_as_it_is(evidence: Evidence) -> None:
    shown = evidence.at_once(made_up.registry_row("blep", "silent"))

    assert [row["node_name"] for row in shown.registry_rows()] == ["silent", "workstation"]
    assert [row["node_name"] for row in evidence.registry_rows()] == ["workstation"]


def test_a_process_lives_where_it_was_put(evidence: Evidence) -> None:
    shown = evidence.at_once(made_up.process(WORKER, "blep", "--worker-id", "worker-1"))

    assert [one.option("--worker-id") for one in shown.processes(WORKER, "blep")] == ["worker-1"]
    assert shown.processes(WORKER, "workstation") == []


def test_a_file_stands_in_its_directory(evidence: Evidence) -> None:
    shown = evidence.at_once(made_up.file("blep", "~/.rbee", "left.part"))

    assert shown.files("blep", "~/.rbee") == ["beehives.db", "left.part"]


def test_blank_evidence_shows_nothing(evidence: Evidence) -> None:
    blank = evidence.blank()

    assert (blank.events, blank.registry_rows(), blank.files("blep", "~/.rbee"), blank.processes(WORKER)) == (
        (),
        [],
        [],
        [],
    )


def test_looking_at_evidence_is_counted(evidence: Evidence) -> None:
    before = evidence.reads

    evidence.of_kind("login")

    assert evidence.reads > before
