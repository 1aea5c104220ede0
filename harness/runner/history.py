"""How long each scenario took last time, kept from run to run for each project."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path


def place(base_dir: str, environ: Mapping[str, str]) -> Path:
    """The file for the project whose features lie in `base_dir`: below XDG_CACHE_HOME, else below ~/.cache."""
    cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home(), ".cache"))
    name = hashlib.sha256(os.path.realpath(base_dir).encode()).hexdigest()[:16]
    return cache / "rbee-bdd" / f"{name}.json"


def load(path: Path) -> dict[str, float]:
    """The durations in seconds by scenario; empty when there are none, or none that can be read."""
    try:
        durations_s = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): float(duration_s) for key, duration_s in durations_s.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def save(path: Path, durations_s: Mapping[str, float]) -> None:
    """Put the durations of a run over those kept so far. Raises OSError when the place cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(json.dumps({**load(path), **durations_s}, indent=0), encoding="utf-8")
    new.replace(path)  # whole at any moment, for another run beside this one
