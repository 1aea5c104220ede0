"""How an attempt begins: its directory, its line to the runner, its process."""

from __future__ import annotations

import errno
import os
import socket
import sys
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness.runner import channel, signals, tree
from harness.runner.attempt import Setting
from harness.runner.channel import Ear
from harness.runner.known import Known
from harness.runner.monotonic import now_s
from harness.runner.plan import Planned
from harness.runner.process_settings import ProcessSettings
from harness.runner.under_way import Attempt

# What an attempt's process does, from its first moment to its end.
Live = Callable[[Planned, Setting, socket.socket], NoReturn]


# Of what a machine can be short for a moment; who is refused for that may be begun later.
SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT}
SHORTAGE_LIMIT_S = 10.0
FIRST_SIGN = 2 * 10**15  # above those of the stages' processes (harness/world/adoption.py)
SHORTAGE_PAUSE_S = 0.1


@dataclass(frozen=True)
class Terms:
    """What the crew works to.

    run: the run's name. directory: its folder. jobs: attempts at the same time, without those of scenarios that have
    the waiting_tag. limit_s, run_limit_s: for a scenario and for all, None for no limit. stop: start nothing more after
    the first red one. attached, live: the attempts are in the terminal's session; they write to the terminal. process:
    the settings that before_all has left. again: location → the command that repeats it. known: the
    reds that are."""

    run: str
    directory: Path
    jobs: int
    waiting_tag: str
    limit_s: float | None
    run_limit_s: float | None
    stop: bool
    attached: bool
    live: bool
    process: ProcessSettings
    again: Callable[[str], str]
    known: Known


def begin(planned: Planned, terms: Terms, live: Live) -> Attempt:
    """Begin an attempt. Raises OSError when the machine is short of something; then no process of it is left."""
    directory = terms.directory / str(planned.number)
    directory.mkdir(parents=True, exist_ok=True)
    output = None if terms.live else directory.with_suffix(".txt")
    name, sign = f"{terms.run}.{planned.number}", FIRST_SIGN + planned.number
    setting = Setting(name, directory, output, terms.attached, terms.process, sign)
    sys.stdout.flush()
    sys.stderr.flush()
    with ExitStack() as undo:
        ours, theirs = channel.pair()
        undo.callback(ours.close)
        pid, process = _fork(planned, setting, ours, theirs, live)
        undo.pop_all()
    return Attempt(planned, setting, pid, process, ours, Ear(ours, pid), now_s(), terms.limit_s)


def _fork(
    planned: Planned, setting: Setting, ours: socket.socket, theirs: socket.socket, live: Live
) -> tuple[int, int]:
    """The pid and the pidfd of the new attempt. The pidfd's number is kept free for it: a child that could not be
    watched would be lost."""
    with theirs, signals.kept():  # the child lets the signals in when it is ready for them
        free = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            pid = _fork_quietly()
        finally:
            os.close(free)
        if pid == 0:
            ours.close()
            live(planned, setting, theirs)
    try:
        return pid, os.pidfd_open(pid)
    except OSError:
        tree.kill(pid)
        os.waitpid(pid, 0)
        raise


def _fork_quietly() -> int:
    """A fork. Python warns when there are threads, and where warnings are errors the child would be lost."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


class Shortage:
    """What the machine is short of when an attempt is to begin: that passes, mostly when another one ends.

    note: is told once, what is short."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note
        self._has_told = False
        self._since_s: float | None = None

    @property
    def pause_s(self) -> float:
        """After what time to try again, while no attempt is under way."""
        return 0.0 if self._since_s is None else SHORTAGE_PAUSE_S

    def is_worth_waiting(self, error: OSError, under_way: int) -> bool:
        """Whether what has failed may succeed later: always while others are `under_way`, whose end gives something
        back, else for a while."""
        if error.errno not in SHORTAGES:
            return False
        if self._since_s is None:
            self._since_s = now_s()
        if not self._has_told:
            self._has_told = True
            self._note(f"no more than {under_way} at a time are possible here: {error}")
        return under_way > 0 or now_s() < self._since_s + SHORTAGE_LIMIT_S

    def is_over(self) -> None:
        """One has begun."""
        self._since_s = None
