"""The machine that a program runs on, as its environment tells it (docs/contract.md, section 9 rows 9 and 10)."""

from __future__ import annotations

import os
import platform
import pwd
from pathlib import Path

from mocks.common.errors import RbeeError


def bind_host() -> str:
    """The address to listen at: `RBEE_BIND_HOST`, else every IPv4 address."""
    return os.environ.get("RBEE_BIND_HOST") or "0.0.0.0"


def node_host() -> str:
    """The name under which others reach this machine: `RBEE_NODE_HOST`, else its host name."""
    return os.environ.get("RBEE_NODE_HOST") or platform.node() or "localhost"


def version() -> str:
    """The version that a program reports: `RBEE_VERSION`, else 0.1.0."""
    return os.environ.get("RBEE_VERSION") or "0.1.0"


def home() -> Path:
    """The user's home: `HOME` if it is set and not empty, else what the passwd entry says.

    Raises RbeeError INVALID_CONFIG when there is neither."""
    try:
        return Path(os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        message = f"HOME is not set, and user {os.getuid()} has no passwd entry: set HOME"
        raise RbeeError("INVALID_CONFIG", message) from None


def rooted(path: str | Path) -> Path:
    """The absolute `path` below `RBEE_ROOT`, when that is set, else as it is."""
    root = os.environ.get("RBEE_ROOT")
    return Path(root, *Path(path).parts[1:]) if root else Path(path)
