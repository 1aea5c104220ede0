"""The guardian: a small process that ends what a killed runner leaves behind."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import NoReturn

from harness.runner import tree

END = b"end\n"


class Guardian:
    """Watches over the runner, which is the process that creates it. When the runner dies without a word, every process
    that was entrusted is killed, and everything below it."""

    def __init__(self) -> None:
        listening, self._writing = os.pipe()
        runner = os.pidfd_open(os.getpid())
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._writing)
            _guard(runner, listening)
        os.close(listening)
        os.close(runner)

    def entrust(self, pid: int) -> None:
        """Have this process killed with all below it, should the runner die. An attempt says so itself: as its first
        act, so that there is no moment in which it is unknown."""
        with suppress(BrokenPipeError):  # somebody has killed the guardian
            os.write(self._writing, b"%d\n" % pid)

    def dismiss(self) -> None:
        """The runner has seen to everything itself."""
        with suppress(BrokenPipeError):
            os.write(self._writing, END)
        os.close(self._writing)
        os.waitpid(self.pid, 0)


def _guard(runner: int, listening: int) -> NoReturn:
    """The guardian's own life. runner: pidfd. Its end is the end of the process."""
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):  # who reads the runner's output must not wait for the guardian's end
            os.dup2(nothing, standard)
        _watch(runner, listening)
    finally:
        os._exit(0)


def _watch(runner: int, listening: int) -> None:
    """Returns when there is nothing left to do."""
    entrusted: dict[int, int] = {}  # pid → pidfd, by which a number that was used again is told apart
    os.set_blocking(listening, False)
    poll = select.poll()
    poll.register(runner, select.POLLIN)
    poll.register(listening, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        text = b""
        with suppress(BlockingIOError):
            text = os.read(listening, 65536)
        if text.endswith(END):
            return
        for line in text.split():
            _forget_ended(entrusted)
            with suppress(ProcessLookupError):
                entrusted[int(line)] = os.pidfd_open(int(line))
        if runner in ready and not text:
            _forget_ended(entrusted)
            for pid in entrusted:
                tree.kill(pid)
            return


def _forget_ended(entrusted: dict[int, int]) -> None:
    for pid, descriptor in list(entrusted.items()):
        if select.select([descriptor], [], [], 0)[0]:
            os.close(descriptor)
            del entrusted[pid]
