"""The programs of rbee that lie beside this one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from mocks.common.errors import RbeeError


def directory() -> Path:
    """Where the running executable lies, symbolic links resolved."""
    return Path(sys.argv[0]).resolve().parent


def find(name: str) -> Path:
    """The program `name`: the one beside this executable, else the first on PATH. Raises RbeeError without one."""
    beside = directory() / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise RbeeError("PROGRAM_NOT_FOUND", f"{name} is neither in {beside.parent} nor on PATH")
    return Path(found)
