"""A stage's clock with programs on it, and nothing else: for tests of the clock."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from harness.world.clock import ClockSelector, StageClock
from harness.world.look import Crowd

LIMIT_S = 60.0
PROJECT = Path(__file__).parents[3]
Result = TypeVar("Result")


class Bench:
    """Programs (Python source, with `clock` imported from mocks.common) that wait on one clock.

    What they print is in `said`, a list of words for each, in the order of their start."""

    def __init__(self, directory: Path, selector: ClockSelector) -> None:
        self.directory = directory
        self.programs: list[subprocess.Popen[bytes]] = []
        self._crowd = Crowd(self._living)
        self.clock = StageClock(self._crowd, self._ended)
        self._selector = selector
        self._flow_ended = asyncio.Event()
        self._until: Callable[[], bool] = self._all_ended

    async def open(self) -> None:
        """Let programs ask the clock."""
        self._hang_up = self.clock.serve(self.directory / "clock.sock")
        self._selector.clocks.add(self.clock)

    async def close(self) -> None:
        """End every program, and what the clock holds open."""
        for program in self.programs:
            program.kill()
            program.wait()
        self._hang_up()
        self._crowd.close()

    def start(self, source: str) -> subprocess.Popen[bytes]:
        """Start a program."""
        with self._output(len(self.programs)).open("wb") as output:
            program = subprocess.Popen(
                [sys.executable, "-c", f"from mocks.common import clock\n{source}"],
                env={"PYTHONPATH": str(PROJECT), "PATH": os.defpath, "RBEE_CLOCK": str(self.directory / "clock.sock")},
                stdout=output,
            )
        self.programs.append(program)
        return program

    async def flow(self, until: Callable[[], bool] | None = None) -> None:
        """Let time flow until `until` holds when nobody works, or else until every program has ended."""
        self._until = until or self._all_ended
        self._flow_ended.clear()
        self.clock.flowing = True
        async with asyncio.timeout(LIMIT_S):
            await self._flow_ended.wait()

    def said(self, number: int) -> list[str]:
        """The words that program `number` has printed."""
        return self._output(number).read_text().split()

    def _output(self, number: int) -> Path:
        return self.directory / f"said-{number}"

    def _living(self) -> list[int]:
        return [program.pid for program in self.programs if program.poll() is None]

    def _all_ended(self) -> bool:
        return all(program.poll() is not None for program in self.programs)

    def _ended(self) -> bool:
        if not self._until():
            return False
        self._flow_ended.set()
        return True


def run(directory: Path, scene: Callable[[Bench], Awaitable[Result]]) -> Result:
    """Play `scene` on a clock of its own; whatever it started is gone afterwards."""
    selector = ClockSelector()

    async def play() -> Result:
        bench = Bench(directory, selector)
        await bench.open()
        try:
            return await scene(bench)
        finally:
            await bench.close()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(play())


@contextlib.contextmanager
def burners(count: int) -> Iterator[None]:
    """So many processes that do nothing but burn a processor."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in started:
            burner.kill()
            burner.wait()
