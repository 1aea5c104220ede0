"""What the user sets with -D."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import settings
from harness.runner.options import WrongUse


def test_without_settings_everything_is_ours_and_on_the_stages_clock() -> None:
    read = settings.read({})

    assert (read.replaced, read.clock, read.queen_scope) == ([], "stage", "scenario")


def test_a_program_of_the_users_puts_the_stage_on_real_time() -> None:
    read = settings.read({"keeper": "/bin/true"})

    assert (read.replaced, read.clock) == (["rbee-keeper"], "real")


def test_a_program_of_the_users_that_waits_for_nothing_can_be_on_the_stages_clock() -> None:
    assert settings.read({"keeper": "/bin/true", "clock": "stage"}).clock == "stage"


def test_real_time_has_its_own_limits() -> None:
    assert settings.read({"clock": "real"}).wait_s > settings.read({}).wait_s


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keeper": "/nothing/there"}, r"-D keeper=/nothing/there: there is no such file"),
        ({"clock": "sundial"}, r"-D clock=sundial: use one of: stage, real"),
        ({"queen_scope": "house"}, r"-D queen_scope=house: use one of: scenario, run"),
        ({"wait_s": "soon"}, r"-D wait_s=soon: a number of seconds above 0 is needed"),
        ({"wait_s": "0"}, r"-D wait_s=0: a number of seconds above 0 is needed"),
        ({"stand_ins": "/nothing/there"}, r"-D stand_ins=/nothing/there: there is no such directory"),
        ({"prove": "perhaps"}, r"-D prove=perhaps: yes or no is needed"),
        ({"go_on": "perhaps"}, r"-D go_on=perhaps: yes or no is needed"),
    ],
)
def test_what_cannot_be_used_is_said(given: dict[str, str], said: str) -> None:
    with pytest.raises(WrongUse, match=said):
        settings.read(given)


def test_evidence_is_not_awaited_longer_than_anything_else() -> None:
    assert settings.read({"clock": "real", "wait_s": "2"}).evidence_s == 2


def test_a_file_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "keeper").write_text("")

    with pytest.raises(WrongUse, match="not executable"):
        settings.read({"keeper": str(tmp_path / "keeper")})


def test_programs_are_found_by_rbees_names_in_a_directory(tmp_path: Path) -> None:
    for name in ("rbee", "queen-rbee", "rbee-hive"):
        (tmp_path / name).write_text("#!/bin/sh\n")
    for name in ("rbee", "queen-rbee"):
        (tmp_path / name).chmod(0o755)

    read = settings.read({"bin": str(tmp_path), "queen": "/bin/true"})

    assert read.programs == {
        "rbee-keeper": tmp_path / "rbee",
        "queen-rbee": Path("/bin/true"),
        "rbee-hive": None,
        "llm-worker-rbee": None,
    }


def test_a_directory_without_any_program_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no program of rbee's is there; looked for: rbee-keeper or rbee, queen-rbee"):
        settings.read({"bin": str(tmp_path)})
