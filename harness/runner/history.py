"""What is kept from run to run, for each project apart: how long each scenario took last time, and what others put
there."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def state(environ: Mapping[str, str]) -> Path:
    """Where this project keeps what outlives runs: below XDG_STATE_HOME, else ~/.local/state; without a home, in the
    temporary directory."""
    home, temporary = environ.get("HOME"), Path(tempfile.gettempdir(), f"rbee-bdd-state-{os.getuid()}")
    of_user = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local/state") if home else temporary)
    return Path(of_user) / "rbee-bdd"


def project(base_dir: str) -> str:
    """A name for the project whose features lie in `base_dir`, which no other has."""
    return hashlib.sha256(os.path.realpath(base_dir).encode()).hexdigest()[:16]


def place(base_dir: str, environ: Mapping[str, str]) -> Path:
    """The file with the durations of the project whose features lie in `base_dir`."""
    return state(environ) / "durations" / f"{project(base_dir)}.json"


def load(path: Path) -> dict[str, float]:
    """The durations in seconds by scenario; empty when there are none, or none that can be read."""
    try:
        durations_s = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): float(duration_s) for key, duration_s in durations_s.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def save(path: Path, durations_s: Mapping[str, float]) -> None:
    """Put the durations of a run over those kept so far. Raises OSError when the place cannot be written."""
    write(path, json.dumps({**load(path), **durations_s}, indent=0).encode())


def write(path: Path, content: bytes) -> None:
    """Write a file that is whole at any moment, for another run beside this one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def prune(directory: Path, kept: int) -> None:
    """Remove all but the files written last in a directory of what is kept."""
    try:
        files = sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:  # it is not there, or another run is pruning too
        return
    for old in files[kept:]:
        old.unlink(missing_ok=True)
