"""The user's settings: the pool's configuration file, and the API key."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mocks.common import api_key as keys
from mocks.common import files, machine
from mocks.common.errors import RbeeError

SYSTEM_CONFIG = Path("/etc/rbee/config.toml")
USER_CONFIG = Path(".config/rbee/config.toml")


@dataclass(frozen=True)
class Remote:
    """How rbee-hive is reached on a pool's machine: its program, and the directory of its source."""

    binary_path: str = "rbee-hive"
    git_repo_dir: str = "~/llama-orch"


def remote() -> Remote:
    """Section `[remote]` of the configuration file (docs/contract.md, section 1.2), or its defaults.

    `RBEE_CONFIG` names the file; without it the user's is read, else the system's. A file that cannot be read counts as
    none, with a warning on stderr.
    """
    path = _path()
    if path is None:
        return Remote()
    try:
        document = tomllib.loads(files.read_text(path))
        _require(document, "pool", "name", "listen_addr")
        _require(document, "paths", "models_dir", "catalog_db")
        return _remote(document)
    except (OSError, ValueError, RecursionError) as failure:
        print(f"Warning: configuration {str(path)!r} is not used: {failure}", file=sys.stderr)
        return Remote()


def api_key() -> str | None:
    """`api_key` in `~/.rbee/config.yaml`, None where there is none (docs/contract.md, section 9 row 8).

    Raises RbeeError when the file cannot be read, or the key cannot be sent.
    """
    try:
        return keys.read()
    except keys.KeyFileError as failure:
        raise RbeeError("INVALID_CONFIG", str(failure)) from failure


def _path() -> Path | None:
    chosen = os.environ.get("RBEE_CONFIG")
    if chosen is not None:
        return Path(chosen)
    users = machine.home() / USER_CONFIG
    systems = machine.rooted(SYSTEM_CONFIG)
    return next((path for path in (users, systems) if path.exists()), None)


def _require(document: dict[str, Any], section: str, *names: str) -> None:
    values = document.get(section)
    for name in names:
        if not isinstance(values, dict) or not isinstance(values.get(name), str):
            raise ValueError(f"[{section}] needs a text `{name}`")


def _remote(document: dict[str, Any]) -> Remote:
    section = document.get("remote", {})
    if not isinstance(section, dict):
        raise ValueError("[remote] must be a section")
    known = {name: value for name, value in section.items() if name in Remote.__dataclass_fields__}
    if not all(isinstance(value, str) for value in known.values()):
        raise ValueError("[remote] holds texts only")
    return Remote(**known)
