"""References on file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.trace import references
from harness.trace.command import kinds
from harness.trace.normal import Thing
from harness.trace.references import Kind

THINGS = [Thing(1, "a → b: request", 5, "x", "rbee-keeper"), Thing(2, "a → b: answer", 7, "ü", "queen-rbee")]


def test_every_scenario_has_its_reference_and_there_is_no_other() -> None:
    keys = {kind.key for kind in kinds().values()}
    files = {path.name.removesuffix(".json.gz") for path in references.OWN.glob("*.json.gz")}

    assert files == keys, "the feature, or the format of traces, has changed: scripts/traces writes the references"


def test_every_reference_can_be_read() -> None:
    for kind in kinds().values():
        things = references.load(kind)
        assert things is not None
        assert len(things) > 1


def test_what_is_packed_is_unpacked() -> None:
    assert references.unpacked(references.packed(THINGS)) == THINGS
    assert references.packed(THINGS) == references.packed(THINGS)


def test_another_text_program_or_clock_is_another_kind() -> None:
    every = [Kind("a", (), "stage"), Kind("b", (), "stage"), Kind("a", ("queen-rbee",), "stage"), Kind("a", (), "real")]

    assert len({kind.key for kind in every}) == len(every)
    assert Kind("a", ("x", "y"), "real").key == Kind("a", ("y", "x"), "real").key


def test_references_of_the_users_own_programs_lie_in_the_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    kind = Kind("a", ("queen-rbee",), "real")

    assert references.load(kind) is None
    references.keep(kind, THINGS)

    assert references.load(kind) == THINGS
    assert references.place(kind).is_relative_to(tmp_path)
