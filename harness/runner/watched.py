"""Processes that live for the whole run and without which no scenario can go on, such as the world."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.runner import verdict


@dataclass(frozen=True)
class Watched:
    """name: what people call it. log: the file with what it says, if there is one."""

    name: str
    pid: int
    log: Path | None

    def how_it_died(self) -> str:
        """How it ended, as far as that can still be known, and the last line of its log with the log's place."""
        wait_status = _exit_status(self.pid)
        ended = "" if wait_status is None else verdict.how_ended(wait_status)
        lines = self.log.read_text(errors="replace").split("\n") if self.log and self.log.exists() else []
        said = next((line for line in reversed(lines) if line.strip()), "")
        return ": ".join(filter(None, [ended, said and f"{said} ({self.log})"]))


_watched: list[Watched] = []


def watch(name: str, process: psutil.Process, log: Path | None = None) -> None:
    """Have the runner watch a process that before_all has started; call it from there.

    When it dies during the run, the scenarios that run are ended with the verdict `error`, which names it and the last
    line of its log, and those not begun are `not run`. When the runner itself is killed, the process is killed too,
    with all below it."""
    _watched.append(Watched(name, process.pid, log))


def take() -> list[Watched]:
    """The processes that before_all wants to be watched. They are given out once."""
    taken = list(_watched)
    _watched.clear()
    return taken


def _exit_status(pid: int) -> int | None:
    """A process's status as os.waitpid gives it, left there for whoever started it; None when that has it already."""
    try:
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if result is None:
        return None
    return result.si_status << 8 if result.si_code == os.CLD_EXITED else result.si_status
