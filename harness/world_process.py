"""The world process, as the harness starts and ends it: once for a run."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.world import BARE, STAND_INS
from mocks.common.launch import Launched, launch

START_LIMIT_S = 30.0
END_LIMIT_S = 10.0


class WorldNotStarted(Exception):
    """The world did not come up; the text says why, and where its log is."""


@dataclass(frozen=True)
class World:
    """A running world: its process, and the socket at which stages are opened."""

    process: Launched
    socket: Path
    log: Path


def start_world(directory: Path, stand_ins: Path | None = None, *, warm: bool = False) -> World:
    """Start the world process with everything of its own below `directory`, and wait until it says that it is ready.

    stand_ins: where the program files of the stand-ins are, if not in the project's bin. warm: the project's own are
    forked from a warm parent, which the world starts.
    Raises WorldNotStarted with what it wrote instead."""
    directory.mkdir(parents=True, exist_ok=True)
    socket, log = directory / "world.sock", directory / "world.log"
    ready, said = os.pipe()
    project = str(Path(__file__).parents[1])
    with log.open("wb") as errors:
        process = launch(
            [sys.executable, "-m", "harness.world", str(socket), *(["warm"] if warm else [])],
            env={
                **BARE,
                "HOME": str(directory),
                "PYTHONPATH": project,
                **({STAND_INS: str(stand_ins)} if stand_ins else {}),
            },
            cwd=directory,
            stdout=said,
            stderr=errors.fileno(),
        )
    os.close(said)
    try:
        _await_ready(process, ready, log)
    finally:
        os.close(ready)
    return World(process, socket, log)


def _await_ready(process: Launched, ready: int, log: Path) -> None:
    until_s = time.monotonic() + START_LIMIT_S
    text = b""
    while b"\n" not in text:
        readable = select.select([ready], [], [], max(0.0, until_s - time.monotonic()))[0]
        piece = os.read(ready, 4096) if readable else b""
        if not piece:
            process.kill()
            process.wait()
            raise WorldNotStarted(
                f"the world did not come up: {log.read_text().strip()[-2000:] or 'it said nothing'} ({log})"
            )
        text += piece
    if json.loads(text.splitlines()[0]) != {"ready": process.pid}:
        raise WorldNotStarted(f"the world said {text!r} instead of being ready ({log})")


def end_world(world: World) -> None:
    """End the world process: SIGTERM, and SIGKILL when it has not gone after 10 s."""
    world.process.terminate()
    try:
        world.process.wait(END_LIMIT_S)
    except psutil.TimeoutExpired:
        world.process.kill()
        world.process.wait()
