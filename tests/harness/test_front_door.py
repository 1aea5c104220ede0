"""What bin/bdd-runner says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import front_door
from harness.runner import folder
from harness.runner.declared import known


def test_help_has_every_option_on_one_screen() -> None:
    lines = front_door.help_text().splitlines()

    assert all(any(f" {name}=" in line for line in lines) for name in known())
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 120


def doctors_rows(environ: dict[str, str]) -> dict[str, str]:
    """What the doctor says: the line → whether it is fit."""
    _, said = front_door.doctor(environ)
    return {line[6:]: line[:4].strip() for line in said.splitlines()}


def test_doctor_names_what_is_in_the_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(folder, "LEAST_FREE_BYTES", 2**70)
    (tmp_path / "behave.ini").write_text("[behave]\ndry_run = true\n")

    rows = doctors_rows({"https_proxy": "http://localhost:1"})

    looked_at = [row for row, fit in rows.items() if fit == "look"]
    assert any(f"{tmp_path}/behave.ini" in row for row in looked_at)
    assert any("MiB free in" in row for row in looked_at)
    assert any("https_proxy" in row for row in rows)
    assert front_door.doctor({})[0] == 1
