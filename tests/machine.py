"""A machine played for tests of the set-up: it has the programs of every Linux, and a Python that is a shell script.

What that Python is asked is recorded in `calls`; PIP says what its pip does, BEHAVE what the suite does."""

import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
EVERY_LINUX_HAS = (
    "cat cksum cp date dirname find flock grep head id mkdir mktemp mv readlink rm sed sh sort tail tee uname"
)
PYTHON = """#!/bin/sh
printf '%s %s\\n' "$1" "$2" >>"$CALLS"
case "$*" in
    -V) echo "Python $VERSION" ;;
    *version_info*) echo "$VERSION"; [ "$VERSION" != 3.9 ] ;;
    *'import venv'*) [ "$VENV_MODULE" = yes ] ;;
    '-m venv '*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    '-m pip '*) echo "pip: $*" && eval "$PIP" ;;
    '-m harness.isolation') printf %s "$FORBIDDEN"; [ -z "$FORBIDDEN" ] ;;
    '-m harness.command'*) shift 2; pwd; printf '%s\\n' "$@"; eval "$BEHAVE" ;;
esac
"""
LIMIT_S = 20


class Machine:
    """A machine with a copy of the project on it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "path"
        self.project = directory / "project"
        self.calls = directory / "calls"
        self.path.mkdir()
        for name in EVERY_LINUX_HAS.split():
            (self.path / name).symlink_to(str(shutil.which(name)))
        self.program("python3", PYTHON)
        for name in ("scripts/set-up", "bin/bdd-runner", "setup.cfg", "pyproject.toml"):
            self.copy(name)
        self.venv = self.project / ".venv"

    def copy(self, name: str) -> None:
        """Give the project its file `name`."""
        (self.project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, self.project / name)

    def program(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        (self.path / name).unlink(missing_ok=True)
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a program there; `more` replaces what is usual."""
        usual = {
            "VERSION": "3.11",
            "VENV_MODULE": "yes",
            "PIP": "true",
            "BEHAVE": "true",
            "FORBIDDEN": "",
            "PROOF": "true",
            "HOSTILE": "true",
        }
        return {"PATH": str(self.path), "CALLS": str(self.calls), "HOME": str(self.path.parent), **usual, **more}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start scripts/set-up."""
        return subprocess.Popen(
            [self.project / "scripts/set-up", *arguments],
            env=self.environment(**environment),
            stderr=subprocess.PIPE,
            text=True,
        )

    def set_up(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run scripts/set-up to its end: exit code, what it said."""
        process = self.start(*arguments, **environment)
        _, said = process.communicate(timeout=LIMIT_S)
        return process.returncode, said

    def asked(self, what: str) -> int:
        """How often Python was asked for something that begins with `what`."""
        return self.calls.read_text().count(f"{what}\n") if self.calls.exists() else 0
