"""A program of a user who may not write to the system's directories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.acts.system_root import UNPRIVILEGED, as_unprivileged


def test_the_program_has_an_unprivileged_user_id() -> None:
    done = subprocess.run([*as_unprivileged(), "id", "-u"], capture_output=True, text=True, check=True)

    assert done.stdout == f"{UNPRIVILEGED if os.getuid() == 0 else os.getuid()}\n"


def test_the_program_may_not_write_where_it_is_not_wanted(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)  # which stops everybody but root

    done = subprocess.run([*as_unprivileged(), "touch", str(tmp_path / "file")], capture_output=True, check=False)

    assert done.returncode != 0
    assert not (tmp_path / "file").exists()
