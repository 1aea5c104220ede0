"""Lines on which programs wait, as docs/design.md says ("The clock")."""

from __future__ import annotations

import asyncio
import mmap
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.world.lines import MOST_LINES, WORD, Lines, LineWait

NOW_US = 1_728_508_603_000_000
Scene = Callable[[Lines, "Program"], Awaitable[None]]


class Program:
    """A program's side: the page, and its lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.with_suffix(".page").open("r+b") as file:
            self.page = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self.lines: dict[int, socket.socket] = {}

    async def connect(self) -> int:
        """Open a line; its number, or 0 when it is refused."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.setblocking(False)
        line.connect(str(self._path))
        number = await self.word(line)
        self.lines[number] = line
        return number

    @staticmethod
    async def word(line: socket.socket) -> int:
        """The next word over a line; 0 at its end."""
        data = await asyncio.get_running_loop().sock_recv(line, WORD.size)
        return int(WORD.unpack(data)[0]) if data else 0

    def wait(self, number: int, *, due_us: int, since_us: int = NOW_US, count: int = 1) -> None:
        """Write a wait on the page."""
        for place, value in enumerate((due_us, since_us, count)):
            self.page[4 * number + place] = value


def play(directory: Path, scene: Scene) -> None:
    """Play `scene` with lines and a program of their own."""

    async def run() -> None:
        lines = Lines(directory / "clock.sock", NOW_US)
        program = Program(directory / "clock.sock")
        try:
            async with asyncio.timeout(30):
                await scene(lines, program)
        finally:
            for line in program.lines.values():
                line.close()
            if lines._listener.fileno() != -1:  # no scene closed them
                lines.close()

    asyncio.run(run())


async def heard(condition: Callable[[], bool]) -> None:
    """Let the loop run until `condition` holds."""
    while not condition():
        await asyncio.sleep(0)


def test_the_page_shows_the_time(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        first = program.page[0]
        lines.show(NOW_US + 5)

        assert (first, program.page[0]) == (NOW_US, NOW_US + 5)

    play(tmp_path, scene)


def test_of_several_waits_the_one_due_first_is_the_earliest(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        one, other = await program.connect(), await program.connect()
        program.wait(one, due_us=NOW_US + 20)
        program.wait(other, due_us=NOW_US + 10)

        assert lines.earliest() == LineWait(NOW_US + 10, NOW_US, other)
        assert sorted(lines.dues()) == [NOW_US + 10, NOW_US + 20]

    play(tmp_path, scene)


def test_of_waits_due_at_once_the_one_that_waits_longest_is_the_earliest(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        one, other = await program.connect(), await program.connect()
        program.wait(one, due_us=NOW_US + 10, since_us=NOW_US + 1)
        program.wait(other, due_us=NOW_US + 10, since_us=NOW_US)

        assert lines.earliest() == LineWait(NOW_US + 10, NOW_US, other)

    play(tmp_path, scene)


def test_who_waits_for_nothing_has_no_wait(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        program.wait(await program.connect(), due_us=0)

        assert lines.earliest() is None

    play(tmp_path, scene)


def test_a_release_tells_which_wait_is_due_and_ends_it(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        number = await program.connect()
        program.wait(number, due_us=NOW_US + 1, count=7)

        lines.release(number)

        assert await program.word(program.lines[number]) == 7
        assert lines.earliest() is None

    play(tmp_path, scene)


def test_a_wait_ends_with_its_line(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        number = await program.connect()
        program.wait(number, due_us=NOW_US + 1)
        program.lines.pop(number).close()

        await heard(lambda: lines.earliest() is None)

    play(tmp_path, scene)


def test_a_line_that_takes_the_place_of_another_begins_without_a_wait(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        number = await program.connect()
        program.wait(number, due_us=NOW_US + 1)
        program.lines.pop(number).close()
        await heard(lambda: lines.earliest() is None)

        assert await program.connect() == number
        assert lines.earliest() is None

    play(tmp_path, scene)


def test_who_is_one_too_many_is_hung_up_on(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        lines._free = [1]
        first = await program.connect()

        assert (first, await program.connect()) == (1, 0)
        assert MOST_LINES > 1000

    play(tmp_path, scene)


def test_closing_hangs_up_on_everybody(tmp_path: Path) -> None:
    async def scene(lines: Lines, program: Program) -> None:
        number = await program.connect()
        lines.close()

        assert await program.word(program.lines[number]) == 0

    play(tmp_path, scene)
