"""What a run tests, as it says itself."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import psutil
import pytest

from harness import tested
from harness.runner.options import Options

LIMIT_S = 20
OPTIONS = Options(
    jobs=3, order="plan", seed=1, limit_s=1, run_limit_s=1, run_dir=None, pause=False, stop=False, prove=False
)


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_stand_ins_are_said_to_be_that() -> None:
    described = tested.describe(OPTIONS, {}, "stage")

    assert described.tested == "tested: stand-ins; on the stage's clock"
    assert described.facts["tested"]["queen-rbee"] == "stand-in"


def test_a_program_of_the_users_is_told_with_version_and_sum(tmp_path: Path) -> None:
    queen = program(tmp_path / "queen", "echo queen-rbee 0.1.0")
    digest = hashlib.sha256(queen.read_bytes()).hexdigest()

    described = tested.describe(OPTIONS, {"queen": str(queen), "queen_scope": "run"}, "real")

    assert described.facts["tested"]["queen-rbee"] == {
        "path": str(queen),
        "version": "queen-rbee 0.1.0",
        "sha256": digest,
    }
    assert described.facts["queen_scope"] == "run"
    assert described.tested == (
        f"tested: queen-rbee {queen} (queen-rbee 0.1.0, SHA-256 {digest[:12]}…), the others are stand-ins; in real time"
    )


@pytest.mark.parametrize(
    "text", ["exit 2", "echo one; echo two", "exec sleep 600", "true", "exec yes", "echo x; exec >&-; sleep 600"]
)
def test_one_that_tells_no_version_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(tested, "VERSION_LIMIT_S", 0.3)

    described = tested.describe(OPTIONS, {"hive": str(program(tmp_path / "hive", text))}, "real")

    assert "(it tells no version, SHA-256 " in described.tested


def test_what_it_has_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "VERSION_LIMIT_S", 0.3)
    hive = program(tmp_path / "hive", f"sleep 600 & echo $! >{tmp_path}/pid; sleep 600")

    tested.describe(OPTIONS, {"hive": str(hive)}, "real")

    assert ended(int((tmp_path / "pid").read_text()))


def ended(pid: int) -> bool:
    """Whether a process ends soon; nobody may have waited for it yet."""
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
    return False
