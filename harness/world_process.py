"""The world process, as the harness starts and ends it: once for a run."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.runner import signals
from harness.world import BARE, STAND_INS, WORLD_LOG
from mocks.common.launch import Launched, launch

END_LIMIT_S = 10.0


class WorldNotStarted(Exception):
    """The world cannot be started; the text says why."""


@dataclass(frozen=True)
class World:
    """A running world: its process, and the socket at which stages are opened."""

    process: Launched
    socket: Path
    log: Path


def start_world(
    directory: Path,
    stand_ins: Path | None = None,
    *,
    warm: bool = False,
    namespaces: bool = False,
    direct: bool = False,
) -> World:
    """Start the world process with everything of its own below `directory`. Nobody need wait until it is up: who
    connects to its socket meanwhile is served then.

    stand_ins: where the program files of the stand-ins are, if not in the project's bin. warm: the project's own
    are forked from a warm parent, which the world starts. namespaces: each node has its own. direct:
    what programs of the user's connect to there directly is witnessed, too. Raises
    WorldNotStarted, and OSError when there is no place for its files."""
    directory.mkdir(parents=True, exist_ok=True)
    place, log = directory / "world.sock", directory / WORLD_LOG
    wanted = {"warm": warm, "namespaces": namespaces, "direct": direct}
    words = [word for word, is_wanted in wanted.items() if is_wanted]
    # Signals wait until the world is up and can end in order.
    with socket.socket(socket.AF_UNIX) as listener, log.open("wb") as errors, signals.kept():
        try:
            listener.bind(str(place))
        except OSError as error:
            raise WorldNotStarted(f"the world cannot be reached at {place}: {error}") from error
        listener.listen()
        process = launch(
            [sys.executable, "-m", "harness.world", str(os.getpid()), *words],
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


def end_world(world: World) -> None:
    """End the world process: SIGTERM, and SIGKILL when it has not gone after 10 s, or when waiting for that is broken
    off."""
    world.process.terminate()
    with suppress(psutil.TimeoutExpired):
        try:
            world.process.wait(END_LIMIT_S)
        except BaseException:
            world.process.kill()
            world.process.wait()
            raise
