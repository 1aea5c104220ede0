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
import select
import selectors
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.world.lines import Lines, LineWait
from harness.world.look import Crowd, kernel_is_quiet

EPOCH_US = 1_728_508_603_000_000  # Unix time at which a stage begins: a fixed one, so that runs show the same times
FIRST_PAUSE_S, LONGEST_PAUSE_S, PAUSE_GROWTH = 0.0002, 0.003, 1.3  # between looks while somebody works
IDLE_LOOKS = 2  # in real time, one after the other, that find nobody at work
NEVER = (sys.maxsize, True, sys.maxsize)


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
        self.next_look_s = 0.0  # on the loop's clock: before, somebody works in all likelihood
        self._pause_s = FIRST_PAUSE_S
        self._flow_ends = flow_ends
        self._lines: Lines | None = None
        # A heap: when it is due, whether last, since when, order, the wait itself.
        self._waits: list[tuple[int, bool, int, int, Wait]] = []
        self._order = itertools.count()
        self._resting: list[asyncio.Future[None]] = []
        self._settling: deque[asyncio.Future[None]] = deque()

    def serve(self, path: Path) -> Callable[[], None]:
        """Let programs wait on this clock, at the Unix socket `path`; what to call when it is over."""
        self._lines = Lines(path, EPOCH_US + self.now_us)
        return self._lines.close

    @property
    def moving(self) -> bool:
        """Whether there is something to do as soon as nobody works."""
        return (self.flowing or bool(self._resting)) and not self.holds

    def wait(self, delay_us: int, release: Callable[[], None], *, last: bool = False) -> Wait:
        """Have `release` called when `delay_us` microseconds have passed on this clock; if `last`, after all others
        that are due at the same time."""
        wait = Wait(self.now_us + delay_us, release)
        heapq.heappush(self._waits, (wait.due_us, last, self.now_us, next(self._order), wait))
        return wait

    def nudge(self) -> None:
        """Something happened that may end the flow: it ends when nobody works, not before."""

    @property
    def waits(self) -> list[int]:
        """The due times of all waits, earliest first."""
        on_lines = [due_us - EPOCH_US for due_us in self._lines.dues()] if self._lines else []
        return sorted([*on_lines, *(due_us for due_us, _, _, _, wait in self._waits if not wait.canceled)])

    async def settled(self) -> None:
        """Wait, while time flows, until nobody works. Whoever waits for that goes before the end of the flow: what he
        does then is still part of it."""
        done = asyncio.get_running_loop().create_future()
        self._settling.append(done)
        await done

    async def rest(self) -> None:
        """Wait until nobody works, whether time flows or stands; no wait is released for that."""
        done = asyncio.get_running_loop().create_future()
        self._resting.append(done)
        await done

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """A context in which this clock stands: work of the world that takes real time."""
        self.holds += 1
        try:
            yield
        finally:
            self.holds -= 1

    def rests(self) -> bool:
        """Whether nobody works of those who have been looked at."""
        return not self.crowd.works()

    def move(self) -> bool:
        """Nobody works: say so to who waits for that, end the flow, or release the earliest wait, and only it. False
        when there is none of these."""
        if self._resting:
            for done in self._resting:
                if not done.done():
                    done.set_result(None)
            self._resting.clear()
            return True
        while self._settling:
            done = self._settling.popleft()
            if not done.done():
                done.set_result(None)
                return True
        while self._waits and self._waits[0][-1].canceled:
            heapq.heappop(self._waits)
        if self._flow_ends():
            self.flowing = False
            return True
        own = self._waits[0][:3] if self._waits else NEVER
        lines, on_line = self._lines, self._lines.earliest() if self._lines else None
        if lines is not None and on_line is not None and _on_stage(on_line) < own:
            self._reach(on_line.due_us - EPOCH_US)
            lines.release(on_line.number)
        elif self._waits:
            due_us, _, _, _, wait = heapq.heappop(self._waits)
            self._reach(due_us)
            wait.release()
        else:
            return False
        return True

    def _reach(self, due_us: int) -> None:
        self.now_us = due_us
        if self._lines is not None:
            self._lines.show(EPOCH_US + due_us)

    def look_later(self, now_s: float, *, moved: bool, stages: int) -> None:
        """A look has found somebody at work, or what was found idle has been given something to do: when to look again.
        Pauses grow while nothing moves, and are longer when more `stages` share the processors."""
        self._pause_s = FIRST_PAUSE_S * stages if moved else min(self._pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S)
        self.next_look_s = now_s + self._pause_s


def _on_stage(wait: LineWait) -> tuple[int, bool, int]:
    """When a program's wait is due, that it is not a last one, and since when it waits."""
    return wait.due_us - EPOCH_US, False, wait.since_us - EPOCH_US


class RealClock:
    """Real time in the place of a stage's clock: microseconds since the stage began."""

    def __init__(self, crowd: Crowd, flow_ends: Callable[[], bool]) -> None:
        self.flowing = False
        self.epoch_us = time.time_ns() // 1000
        self._crowd = crowd
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
        """Nobody can tell whether a program in real time is about to work: return at once."""

    async def rest(self) -> None:
        """Wait until nobody works, as far as can be seen: who sleeps may be woken by real time in any moment."""
        idle = 0
        while idle < IDLE_LOOKS:  # between two of them the loop takes in what those said who have just come to rest
            is_idle = self._crowd.look() and kernel_is_quiet() and not self._crowd.works()
            idle = idle + 1 if is_idle else 0
            await asyncio.sleep(LONGEST_PAUSE_S)

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """Real time cannot be held."""
        return contextlib.nullcontext()


class ClockSelector(selectors.EpollSelector):
    """The world loop's selector, which moves the clocks of stages when nobody could do anything otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.clocks: set[StageClock] = set()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for descriptors as every selector does, but when nothing is readable, nobody works and the kernel is
        quiet, move time instead."""
        moving = [clock for clock in self.clocks if clock.moving]
        if not moving or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        ready = super().select(0)
        if not ready and not self._move(moving):
            pause_s = min(clock.next_look_s for clock in moving) - time.monotonic()
            # Epoll itself counts in milliseconds.
            select.select([self], [], [], max(0.0, pause_s if timeout is None else min(timeout, pause_s)))
        return ready or super().select(0)

    def _move(self, moving: list[StageClock]) -> bool:
        """Move those clocks on whose stages nobody works; whether there was one."""
        now_s = time.monotonic()
        due = [clock for clock in moving if clock.next_look_s <= now_s]
        seen = [clock for clock in due if self._holds(clock, clock.crowd.look)]
        idle = [clock for clock in seen if self._holds(clock, clock.rests)] if seen and kernel_is_quiet() else []
        # Every one of them, not only those up to the first that moved.
        moved = [clock for clock in idle if self._holds(clock, clock.move)] if idle and not super().select(0) else []
        for clock in due:
            clock.look_later(time.monotonic(), moved=clock in moved, stages=len(moving))
        return bool(moved)

    def _holds(self, clock: StageClock, question: Callable[[], bool]) -> bool:
        """Whether something is so on a stage. Where that cannot be said its time stands from now on, and no other's."""
        try:
            return question()
        except Exception:
            traceback.print_exc()
            self.clocks.discard(clock)
            return False
