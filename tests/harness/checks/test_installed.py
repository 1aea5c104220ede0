"""Programs that the user installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import installed
from harness.evidence import Evidence
from tests.harness import told

PROGRAMS = "rbee-keeper and rbee-hive"
KEEPER = {"event": "output", "program": "rbee-keeper", "node": "blep", "pid": 7, "at_us": 0}


def seen(tmp_path: Path, *events: told.Event) -> Evidence:
    return told.evidence(*events, nodes=["blep"], directory=tmp_path)


def put(tmp_path: Path, path: str, text: str = "", mode: int = 0o755) -> None:
    file = tmp_path / "root" / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def test_programs_that_everybody_may_execute_are_accepted(tmp_path: Path) -> None:
    put(tmp_path, "/usr/local/bin/rbee-keeper")
    put(tmp_path, "/usr/local/bin/rbee-hive")

    installed.expect_programs(seen(tmp_path), "blep", "/usr/local/bin", PROGRAMS)


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    put(tmp_path, "/usr/local/bin/rbee-keeper")

    with pytest.raises(AssertionError, match="/usr/local/bin/rbee-hive on blep"):
        installed.expect_programs(seen(tmp_path), "blep", "/usr/local/bin", PROGRAMS)


def test_a_program_that_only_its_owner_may_execute_is_told(tmp_path: Path) -> None:
    put(tmp_path, "/usr/local/bin/rbee-keeper")
    put(tmp_path, "/usr/local/bin/rbee-hive", mode=0o700)

    with pytest.raises(AssertionError, match="the mode of /usr/local/bin/rbee-hive"):
        installed.expect_programs(seen(tmp_path), "blep", "/usr/local/bin", PROGRAMS)


def test_a_further_program_is_told(tmp_path: Path) -> None:
    for name in ("rbee-keeper", "rbee-hive", "queen-rbee"):
        put(tmp_path, f"/usr/local/bin/{name}")

    with pytest.raises(AssertionError, match="what is in /usr/local/bin"):
        installed.expect_programs(seen(tmp_path), "blep", "/usr/local/bin", PROGRAMS)


def test_the_configuration_names_a_directory_that_is_there(tmp_path: Path) -> None:
    put(tmp_path, "/etc/rbee/config.toml", '[paths]\nmodels_dir = "/var/lib/rbee/models"\n')
    (tmp_path / "root/var/lib/rbee/models").mkdir(parents=True)

    installed.expect_models_directory(seen(tmp_path), "blep", "/etc/rbee/config.toml", "/var/lib/rbee/models")


def refused(tmp_path: Path) -> Evidence:
    """A keeper that may not write there has said so; it ended with 0."""
    said = {**KEEPER, "stream": "stderr", "text": "Use sudo\n"}
    started, ended = told.keeper()
    return seen(tmp_path, started, said, ended)


def test_a_refusal_that_leaves_nothing_behind_is_accepted(tmp_path: Path) -> None:
    installed.expect_refused(refused(tmp_path), "Use sudo", 0)


def test_a_refusal_that_leaves_something_behind_is_told(tmp_path: Path) -> None:
    put(tmp_path, "/etc/rbee/config.toml")

    with pytest.raises(AssertionError, match="there should be no file in /etc"):
        installed.expect_refused(refused(tmp_path), "Use sudo", 0)
