"""What a run tests: which programs are whose, and in which version, whose time they live in, and how nodes are kept
apart."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import programs
from harness.runner.options import Options

STAND_IN = "stand-in"
VERSION_LIMIT_S = 2.0
VERSION_BYTES = 4096
SHOWN_DIGITS = 12
CLOCKS = {"stage": "on the stage's clock", "real": "in real time"}


def describe(chosen: Options, userdata: Mapping[str, str], clock: str) -> Options:
    """The options of a run with what it tests: as a line for people, and as fields of its first event."""
    own = {programs.PROGRAMS[option]: _identified(path) for option, path in programs.own(userdata).items()}
    named = [f"{name} {found['path']} ({_shown(found)})" for name, found in own.items()]
    others = "stand-ins" if not own else "the others are stand-ins" if len(own) < len(programs.PROGRAMS) else ""
    text = ", ".join([*named, *([others] if others else [])])
    facts = {
        "tested": {name: own.get(name, STAND_IN) for name in programs.PROGRAMS.values()},
        "clock": clock,
        "queen_scope": userdata.get("queen_scope", "scenario"),
    }
    return replace(chosen, tested=f"tested: {text}; {CLOCKS[clock]}", facts=facts)


def _identified(path: Path) -> dict[str, Any]:
    """Which build a program is: its path, what it says of its version, and its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": str(path), "version": _version(path), "sha256": digest}


def _version(path: Path) -> str | None:
    """What `--version` prints; None when that is no line of text, or does not come in time. Whatever the program has
    started meanwhile is ended with it."""
    try:
        process = subprocess.Popen(
            [path, "--version"],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        said = _said(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    lines = said.decode(errors="replace").splitlines() if said is not None else []
    return lines[0].strip() if process.returncode == 0 and len(lines) == 1 and lines[0].isprintable() else None


def _said(process: subprocess.Popen[bytes]) -> bytes | None:
    """All that it prints up to its end; None when that is much, or does not end in time."""
    assert process.stdout is not None
    said, until_s = b"", time.monotonic() + VERSION_LIMIT_S
    while (
        len(said) < VERSION_BYTES and select.select([process.stdout], [], [], max(0.0, until_s - time.monotonic()))[0]
    ):
        piece = os.read(process.stdout.fileno(), VERSION_BYTES)
        if not piece:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until_s - time.monotonic()))
            return said
        said += piece
    return None


def _shown(found: Mapping[str, Any]) -> str:
    return f"{found['version'] or 'it tells no version'}, SHA-256 {found['sha256'][:SHOWN_DIGITS]}…"
