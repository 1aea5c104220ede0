"""Every script says what it is for, and refuses what it does not know before it does anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (PROJECT / "scripts").iterdir())
LIMIT_S = 30


def run(directory: Path, name: str, argument: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a project that nobody has set up, where no program can be found but the shell's."""
    (directory / "scripts").mkdir()
    script = directory / "scripts" / name
    script.write_text((PROJECT / "scripts" / name).read_text(encoding="utf-8"), encoding="utf-8")
    script.chmod(0o755)
    return subprocess.run(
        [script, argument],
        env={"PATH": os.environ["PATH"], "HOME": str(directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_what_stands_at_its_head(tmp_path: Path, name: str, option: str) -> None:
    done = run(tmp_path, name, option)

    head = (PROJECT / "scripts" / name).read_text(encoding="utf-8").partition("\nset -eu")[0].splitlines()[1:]
    assert (done.returncode, done.stdout.splitlines()) == (0, [line.removeprefix("# ") for line in head])
    assert f"scripts/{name}" in done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_unknown_option_is_refused(name: str) -> None:
    done = subprocess.run(
        [PROJECT / "scripts" / name, "--nonsense"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert f"scripts/{name}: " in done.stderr
