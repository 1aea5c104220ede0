"""A program of a user who may not write to the system's directories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.acts.system_root import UNPRIVILEGED, as_unprivileged

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


def test_the_program_has_an_unprivileged_user_id() -> None:
    done = subprocess.run([*as_unprivileged(), "id", "-u"], capture_output=True, text=True, check=True)

    assert done.stdout == f"{UNPRIVILEGED}\n"


def test_the_program_may_not_write_where_root_may(tmp_path: Path) -> None:
    done = subprocess.run([*as_unprivileged(), "touch", str(tmp_path / "file")], capture_output=True, check=False)

    assert done.returncode != 0
    assert not (tmp_path / "file").exists()
