"""A list that grows while others read along: the events of a download or of loading, the lines of a log."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar, overload

from mocks.common import clock

Item = TypeVar("Item")


class Feed(Generic[Item]):
    """Items in the order in which they were added, until the feed is closed. `keep`: how many of the last ones stay."""

    def __init__(self, keep: int | None = None) -> None:
        self._kept: deque[Item] = deque(maxlen=keep)
        self._added = 0
        self._closed = False
        self._lock = threading.Lock()
        self._bells: list[socket.socket] = []

    def add(self, item: Item) -> None:
        """Append `item` and wake who follows."""
        with self._lock:
            self._kept.append(item)
            self._added += 1
            self._ring()

    def close(self) -> None:
        """Nothing more will come: who follows reads to the end and is done."""
        with self._lock:
            self._closed = True
            self._ring()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def items(self) -> list[Item]:
        """The items kept so far, oldest first."""
        with self._lock:
            return list(self._kept)

    @overload
    def follow(self, *, asker: socket.socket | None = None) -> Iterator[Item]: ...

    @overload
    def follow(self, quiet_s: float) -> Iterator[Item | None]: ...

    def follow(self, quiet_s: float | None = None, *, asker: socket.socket | None = None) -> Iterator[Item | None]:
        """The items kept so far and then each new one, until the feed is closed.

        Yields None whenever nothing came for `quiet_s` seconds on the clock; without it a quiet feed is waited for, but
        not after the other side of `asker` has hung up."""
        bell, ear = socket.socketpair()
        bell.setblocking(False)
        with bell, ear, self._heard_by(bell):
            seen = 0
            while True:
                fresh, seen, closed = self._since(seen)
                yield from fresh
                if closed:
                    return
                if quiet_s is None:
                    if not _rings_for(asker, ear):
                        return
                elif not _rings_within(quiet_s, ear):
                    yield None

    def _since(self, seen: int) -> tuple[list[Item], int, bool]:
        with self._lock:
            dropped = self._added - len(self._kept)
            return list(itertools.islice(self._kept, max(0, seen - dropped), None)), self._added, self._closed

    @contextlib.contextmanager
    def _heard_by(self, bell: socket.socket) -> Iterator[None]:
        with self._lock:
            self._bells.append(bell)
        try:
            yield
        finally:
            with self._lock:
                self._bells.remove(bell)

    def _ring(self) -> None:
        for bell in self._bells:
            # A full bell has been ringing for long; one more would tell nothing new.
            with contextlib.suppress(BlockingIOError):
                bell.send(b"!")


def _rings_within(quiet_s: float, ear: socket.socket) -> bool:
    """Wait for the bell, and silence it. False when it did not ring within `quiet_s` seconds on the clock."""
    try:
        with clock.limit(quiet_s) as limited:
            limited.wait_readable(ear)
    except TimeoutError:
        return False
    return bool(ear.recv(4096))


def _rings_for(asker: socket.socket | None, ear: socket.socket) -> bool:
    """Wait for the bell, and silence it. False when the asker hung up before it rang."""
    if asker is not None:
        poller = select.poll()
        poller.register(ear, select.POLLIN)
        poller.register(asker, select.POLLRDHUP)
        if ear.fileno() not in dict(poller.poll()):
            return False
    return bool(ear.recv(4096))
