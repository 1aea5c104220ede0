"""What the runner does about the signals that end a run: Ctrl+C, SIGTERM, a closed terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Notes the signals that end a run, from entering to leaving. A signal that is ignored on entering stays ignored.

    descriptor: becomes readable when one has come. received: which came, in order. At first a signal also raises
    KeyboardInterrupt where it meets the program, as is right while the user's own code runs in the runner."""

    def __init__(self) -> None:
        self.received: list[signal.Signals] = []
        self._raises = True
        self.descriptor, self._writing = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._writing, False)
        self._noted = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in self._noted}
        self.install()
        return self

    def install(self) -> None:
        """Note signals from now on, whatever user code has made of them meanwhile."""
        for number in self._noted:
            signal.signal(number, self._note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._noted)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self.descriptor)
        os.close(self._writing)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received.append(signal.Signals(number))
        # Not signal.set_wakeup_fd: an event loop of the user's takes that away.
        with suppress(BlockingIOError):
            os.write(self._writing, b".")
        if self._raises:
            raise KeyboardInterrupt

    def drain(self) -> None:
        """Make the descriptor unreadable until the next signal."""
        os.read(self.descriptor, 4096)

    @contextmanager
    def raising(self, raises: bool) -> Iterator[None]:
        """Within it, whether a signal also raises KeyboardInterrupt."""
        before, self._raises = self._raises, raises
        try:
            yield
        finally:
            self._raises = before


@contextmanager
def kept() -> Iterator[None]:
    """Within it the signals that end a run wait. What is forked or exec'd there keeps them waiting, until it lets them
    in."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Raises TimeoutError in the block when it takes longer than `limit_s`. For the user's code in the main thread."""

    def expired(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"took longer than {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
