"""How a program is started: one function, for the harness, its nodes and the hive alike."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


def launch(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | str,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
) -> psutil.Popen:
    """Start `argv` as a child of this process and return it, psutil-managed.

    `argv[0]` is a path. `env` is the whole environment. `stdin`, `stdout` and `stderr` are file descriptors; an output
    that is None is inherited. Signals have their default meaning in the child. Raises OSError (no such file, not
    executable, wrong format) when it cannot be started."""
    return psutil.Popen(
        list(argv), env=dict(env), cwd=str(cwd), stdin=stdin, stdout=stdout, stderr=stderr, close_fds=True
    )
