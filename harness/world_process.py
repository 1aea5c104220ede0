"""The world process, as the harness starts and ends it: once for a run."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.world import BARE, STAND_INS
from mocks.common.launch import Launched, launch

BACKLOG = 128  # attempts that may wait for the world at the same time
END_LIMIT_S = 10.0


class WorldNotStarted(Exception):
    """The world cannot be started; the text says why."""


@dataclass(frozen=True)
class World:
    """A running world: its process, and the socket at which stages are opened."""

    process: Launched
    socket: Path
    log: Path


def start_world(directory: Path, stand_ins: Path | None = None, *, warm: bool = False) -> World:
    """Start the world process with everything of its own below `directory`. Nobody need wait until it is up: who
    connects to its socket meanwhile is served then.

    stand_ins: where the program files of the stand-ins are, if not in the project's bin. warm: the project's own are
    forked from a warm parent, which the world starts. Raises WorldNotStarted."""
    directory.mkdir(parents=True, exist_ok=True)
    place, log = directory / "world.sock", directory / "world.log"
    with socket.socket(socket.AF_UNIX) as listener, log.open("wb") as errors, _sigterm_kept():
        try:
            listener.bind(str(place))
        except OSError as error:
            raise WorldNotStarted(f"the world cannot be reached at {place}: {error}") from error
        listener.listen(BACKLOG)
        process = launch(
            [sys.executable, "-m", "harness.world", str(os.getpid()), *(["warm"] if warm else [])],
            env={
                **BARE,
                "HOME": str(directory),
                "PYTHONPATH": str(Path(__file__).parents[1]),
                **({STAND_INS: str(stand_ins)} if stand_ins else {}),
            },
            cwd=directory,
            stdin=listener.fileno(),
            stdout=errors.fileno(),
            stderr=errors.fileno(),
        )
    return World(process, place, log)


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """A world that is asked to end while it starts ends when it is up, in order: SIGTERM waits until it lets it in."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_world(world: World) -> None:
    """End the world process: SIGTERM, and SIGKILL when it has not gone after 10 s."""
    world.process.terminate()
    try:
        world.process.wait(END_LIMIT_S)
    except psutil.TimeoutExpired:
        world.process.kill()
        world.process.wait()
