"""How a program is started: one function, for the harness, its nodes, the hive and the keeper alike.

A stand-in pays most for its imports. So a process may have a warm parent: a child that has the stand-ins loaded and, on
request, forks one (mocks/common/warm.py). Such a fork is a child of the process that asks, like one that is exec'd."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

FORK_LIMIT_S = 10.0
"""How long a warm parent may take for a fork, in real seconds, before it is held for dead."""
ANSWER_BYTES = 64

_asking = threading.Lock()
_warm_parent: socket.socket | None = None


class Forked(psutil.Process):
    """A child that a warm parent has forked; it is used as one that was exec'd."""

    def poll(self) -> int | None:
        """Its exit code (negative: the signal), or None while it lives."""
        try:
            return int(self.wait(0))
        except psutil.TimeoutExpired:
            return None


Launched = psutil.Popen | Forked


def lean_on(warm_parent: socket.socket | None) -> None:
    """From now on have stand-ins forked by the warm parent at the other end of this socket; with None, exec them."""
    global _warm_parent
    _warm_parent = warm_parent


def launch(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | str,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
    namespaces: Sequence[int] = (),
) -> Launched:
    """Start `argv` as a child of this process and return it, psutil-managed.

    `argv[0]` is a path. `env` is the whole environment. `stdin`, `stdout` and `stderr` are file descriptors; an output
    that is None is inherited. Signals have their default meaning in the child. `namespaces` are files of those in which
    this process is for the moment: what is exec'd is there by itself, a fork goes there. Raises OSError (no such file,
    not executable, wrong format) when it cannot be started."""
    if _warm_parent is not None:
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            files = [null if stdin == subprocess.DEVNULL else stdin, *_outputs(stdout, stderr), *namespaces]
            forked = fork(request(argv, env, cwd), files)
        finally:
            os.close(null)
        if forked is not None:
            return forked
    return psutil.Popen(
        list(argv), env=dict(env), cwd=str(cwd), stdin=stdin, stdout=stdout, stderr=stderr, close_fds=True
    )


def _outputs(stdout: int | None, stderr: int | None) -> list[int]:
    return [1 if stdout is None else stdout, 2 if stderr is None else stderr]


def request(argv: Sequence[str], env: Mapping[str, str], cwd: Path | str) -> bytes:
    """What a warm parent is asked for: the number of words on the command line, the words, the working directory and
    the environment, with a NUL between them."""
    variables = (f"{name}={value}" for name, value in env.items())
    return b"\0".join(map(os.fsencode, (str(len(argv)), *argv, cwd, *variables)))


def fork(asked: bytes, files: Sequence[int]) -> Forked | None:
    """Have the warm parent fork what is asked for (see `request`), with the first three of these files as its standard
    ones, in the namespaces that the others stand for.

    None when the program has to be exec'd: it is not a stand-in, or there is no warm parent. One that is found dead is
    said to be so on stderr, and not asked again."""
    with _asking:
        if _warm_parent is None:
            return None
        try:
            _warm_parent.settimeout(FORK_LIMIT_S)
            socket.send_fds(_warm_parent, [asked], files)
            pid = int(_warm_parent.recv(ANSWER_BYTES))
            return Forked(pid) if pid else None
        except (OSError, ValueError) as error:
            lean_on(None)
            print(f"the warm parent does not answer ({error}): programs are exec'd instead", file=sys.stderr)
            return None
