"""The clock of a stage: a discrete-event simulation of programs that do nothing but wait.

Time moves only when nobody could do anything without it. asyncio asks its selector to wait exactly when no callback is
left to run, so the selector is where time is moved: see `ClockSelector.select`. The clock and whoever looks must be the
same loop: served by another thread it gave wrong answers at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import json
import selectors
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.world.look import Crowd, kernel_is_quiet

EPOCH_US = 1_728_508_603_000_000  # Unix time at which a stage begins: a fixed one, so that runs show the same times
BUSY_PAUSES_S = (0.0003, 0.003, 1.3)  # first and longest pause between looks while somebody works, and its growth


class Wait:
    """One wait with a due time."""

    def __init__(self, due_us: int, release: Callable[[], None]) -> None:
        self.due_us = due_us
        self.release = release
        self.canceled = False


class StageClock:
    """The time of one stage: whole microseconds since it began.

    `crowd` are the stage's processes. `flow_ends` is asked, when nobody works, whether the flow under way ends here."""

    epoch_us = EPOCH_US

    def __init__(self, crowd: Crowd, flow_ends: Callable[[], bool]) -> None:
        self.now_us = 0
        self.crowd = crowd
        self.flowing = False
        self.holds = 0
        self._flow_ends = flow_ends
        self._waits: list[tuple[int, bool, int, Wait]] = []  # a heap: due time, whether last, order, the wait itself
        self._order = itertools.count()

    @property
    def moving(self) -> bool:
        """Whether this clock may move, as soon as nobody works."""
        return self.flowing and not self.holds

    def wait(self, delay_us: int, release: Callable[[], None], *, last: bool = False) -> Wait:
        """Have `release` called when `delay_us` microseconds have passed on this clock; if `last`, after all others
        that are due at the same time."""
        wait = Wait(self.now_us + delay_us, release)
        heapq.heappush(self._waits, (wait.due_us, last, next(self._order), wait))
        return wait

    def nudge(self) -> None:
        """Something happened that may end the flow: it ends when nobody works, not before."""

    @property
    def waits(self) -> list[int]:
        """The due times of all waits, earliest first."""
        return sorted(due_us for due_us, _, _, wait in self._waits if not wait.canceled)

    async def settled(self) -> None:
        """Wait until nobody works: a wait of 0 on this clock."""
        done = asyncio.get_running_loop().create_future()
        self.wait(0, lambda: None if done.done() else done.set_result(None))
        await done

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """A context in which this clock stands: work of the world that takes real time."""
        self.holds += 1
        try:
            yield
        finally:
            self.holds -= 1

    def move(self) -> bool:
        """Nobody works: end the flow, or release the earliest wait, and only it. False when there is neither."""
        while self._waits and self._waits[0][-1].canceled:
            heapq.heappop(self._waits)
        if self._flow_ends():
            self.flowing = False
            return True
        if not self._waits:
            return False
        self.now_us, _, _, wait = heapq.heappop(self._waits)
        wait.release()
        return True


class RealClock:
    """Real time in the place of a stage's clock: microseconds since the stage began."""

    def __init__(self, flow_ends: Callable[[], bool]) -> None:
        self.flowing = False
        self.epoch_us = time.time_ns() // 1000
        self._began_ns = time.monotonic_ns()
        self._flow_ends = flow_ends

    @property
    def now_us(self) -> int:
        """Microseconds since the stage began."""
        return (time.monotonic_ns() - self._began_ns) // 1000

    @property
    def waits(self) -> list[int]:
        """Nobody knows what programs wait for in real time."""
        return []

    def wait(self, delay_us: int, release: Callable[[], None], *, last: bool = False) -> None:  # noqa: ARG002
        """Have `release` called when `delay_us` microseconds have passed."""
        asyncio.get_running_loop().call_later(delay_us / 1e6, release)

    def nudge(self) -> None:
        """Something happened that may end the flow: in real time it ends at once."""
        if self.flowing and self._flow_ends():
            self.flowing = False

    async def settled(self) -> None:
        """Nobody can tell whether a program in real time works: return at once."""

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """Real time cannot be held."""
        return contextlib.nullcontext()


class ClockSelector(selectors.EpollSelector):
    """The world loop's selector, which moves the clocks of stages when nobody could do anything otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.clocks: set[StageClock] = set()
        self._pause_s = BUSY_PAUSES_S[0]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for descriptors as every selector does, but when nothing is readable, nobody works and the kernel is
        quiet, move time instead."""
        moving = [clock for clock in self.clocks if clock.moving]
        if not moving or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        ready = super().select(0)
        if not ready and not self._move(moving):
            first_s, longest_s, growth = BUSY_PAUSES_S
            ready = super().select(self._pause_s if timeout is None else min(timeout, self._pause_s))
            self._pause_s = first_s if ready else min(self._pause_s * growth, longest_s)
            return ready
        self._pause_s = BUSY_PAUSES_S[0]
        return ready or super().select(0)

    def _move(self, moving: list[StageClock]) -> bool:
        """Move those clocks on whose stages nobody works; whether there was one."""
        seen = [clock for clock in moving if clock.crowd.look()]
        if not seen or not kernel_is_quiet():
            return False
        idle = [clock for clock in seen if not clock.crowd.works()]
        if not idle or super().select(0):
            return False
        return sum(clock.move() for clock in idle) > 0  # every one of them, not only up to the first that moved


class ClockProtocol(asyncio.Protocol):
    """A program's connection to its stage's clock: the messages of docs/design.md, "The clock"."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock
        self._rest = b""
        self._wait: Wait | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take each whole message."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        if "wait_us" in message:
            self._wait = self._clock.wait(int(message["wait_us"]), self._due)
        elif "cancel" in message:
            self._cancel()
            self._answer(canceled=True)
        else:
            self._answer(now_us=EPOCH_US + self._clock.now_us)

    def _due(self) -> None:
        self._wait = None
        self._answer(now_us=EPOCH_US + self._clock.now_us)

    def _answer(self, **answer: Any) -> None:
        self._transport.write(json.dumps(answer).encode("ascii") + b"\n")

    def _cancel(self) -> None:
        if self._wait is not None:
            self._wait.canceled = True
            self._wait = None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """A wait ends with its connection."""
        self._cancel()


async def serve_clock(clock: StageClock, path: Path) -> asyncio.Server:
    """Let programs ask `clock` at the Unix socket `path`."""
    return await asyncio.get_running_loop().create_unix_server(lambda: ClockProtocol(clock), str(path))
