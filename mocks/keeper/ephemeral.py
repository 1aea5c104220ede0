"""The stack of one inference: a queen and a hive that the keeper starts and ends.

docs/contract.md, section 9 row 11.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import requests

from mocks.common import clock, http, machine, peers, retry, warm
from mocks.common.errors import RbeeError
from mocks.common.launch import Launched, launch
from mocks.keeper import programs
from mocks.keeper.screen import Screen

ACTOR = "rbee-keeper"
QUEEN = "queen-rbee"
HIVE = "rbee-hive"
QUEEN_HEALTH = "http://localhost:8080/health"
ANSWER_LIMIT_S = 10
START_ATTEMPTS = 8
START_DELAY_S = 0.1
"""A program that starts is asked again after 100 ms, doubling, and given up after 12.7 s."""
TERMINATED = 143
END_LIMIT_S = 30
"""How long a program may take to end: a hive waits for each of its workers (docs/contract.md, section 4.2)."""


@contextlib.contextmanager
def stack(screen: Screen) -> Iterator[None]:
    """While the block runs, a queen and a hive run on this machine, as children of this process.

    Afterwards, and when SIGTERM comes, the hive is ended, which ends its workers, then the queen. Raises RbeeError when
    a queen or a hive runs here already, or does not come up.
    """
    # They are ours to end, so we cannot just die.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    warm.stay_warm()
    health = {QUEEN: QUEEN_HEALTH, HIVE: f"http://localhost:{peers.hive_port()}/v1/health"}
    for name, url in health.items():
        if _answers(url, attempts=1):
            message = f"A {name} runs on this machine already: {url}\nSuggestion: Leave out --ephemeral"
            raise RbeeError("ALREADY_RUNNING", message)
    arguments = shlex.split(peers.hive_arguments(machine.bind_host()))
    with _running(screen, QUEEN), _running(screen, HIVE, *arguments):
        for name, url in health.items():
            if not _answers(url, attempts=START_ATTEMPTS):
                raise RbeeError("START_FAILED", f"{name} did not come up: see {_log_path(name)}")
        yield


def _answers(url: str, *, attempts: int) -> bool:
    policy = retry.backoff(attempts, START_DELAY_S, sleep=clock.sleep)
    with http.session(retry=policy) as session:
        try:
            session.get(url, timeout=ANSWER_LIMIT_S)
        except requests.RequestException:
            return False
    return True


@contextlib.contextmanager
def _running(screen: Screen, name: str, *arguments: str) -> Iterator[None]:
    log_path = _log_path(name)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    screen.narrate(ACTOR, f"🚀 Starting {name} (log: {log_path})")
    with log_path.open("ab") as log:
        child = launch(
            [str(programs.find(name)), *arguments],
            env=os.environ,
            cwd=os.getcwd(),
            stdout=log.fileno(),
            stderr=log.fileno(),
        )
    try:
        yield
    finally:
        screen.narrate(ACTOR, f"👋 Ending {name}")
        _end(child)


def _end(child: Launched) -> None:
    """Ask a child to end, and wait until it has; one that takes too long is killed."""
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        child.terminate()
        with io.FileIO(os.pidfd_open(child.pid)) as ended, clock.limit(END_LIMIT_S) as limited:
            try:
                limited.wait_readable(ended)
            except TimeoutError:
                child.kill()
    child.wait()


def _log_path(name: str) -> Path:
    return machine.home() / ".rbee" / "logs" / f"{name}.log"
