"""Waiting in real time; with a clock: tests/harness/world/test_clock.py."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mocks.common import clock

NOW_US = 1_728_508_603_000_000


def test_without_a_clock_now_is_unix_time() -> None:
    before_us, now_us, after_us = time.time_ns() // 1000, clock.now_us(), time.time_ns() // 1000

    assert before_us <= now_us <= after_us


def test_a_sleep_takes_its_time() -> None:
    began_s = time.monotonic()

    clock.sleep(0.02)

    assert time.monotonic() - began_s >= 0.02


def test_what_is_readable_within_the_limit_is_no_timeout() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, clock.limit(10) as limited:
        theirs.send(b"!")

        limited.wait_readable(ours)

        assert ours.recv(1) == b"!"


def test_a_limit_that_comes_first_is_a_timeout() -> None:
    ours, theirs = socket.socketpair()

    with ours, theirs, clock.limit(0.01) as limited, pytest.raises(TimeoutError, match=r"within 0\.01 s"):
        limited.wait_readable(ours)


def test_within_gives_the_result_of_what_is_done_in_time() -> None:
    async def work() -> str:
        return "done"

    assert asyncio.run(clock.within(10, work())) == "done"


def test_within_cancels_what_takes_too_long() -> None:
    canceled: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            canceled.append(True)

    with pytest.raises(TimeoutError):
        asyncio.run(clock.within(0.01, work()))
    assert canceled == [True]


def test_within_raises_what_the_work_raised() -> None:
    async def work() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        asyncio.run(clock.within(10, work()))


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    """Somebody who keeps the clock of this process by hand."""
    path = tmp_path_factory.mktemp("clock") / "clock.sock"
    with Keeper(path) as keeper:
        monkeypatch.setenv("RBEE_CLOCK", str(path))
        monkeypatch.setattr(clock, "_idle", [])
        yield keeper


class Keeper:
    """Keeps a clock with one line. What is written on the page, in order: see docs/design.md."""

    def __init__(self, path: Path) -> None:
        page = path.with_suffix(".page")
        page.write_bytes(clock.WORD.pack(NOW_US) + bytes(7 * clock.WORD.size))
        with page.open("r+b") as file:
            self.page = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._taken = threading.Thread(target=self._accept)
        self._taken.start()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._taken.join()
        self._listener.close()
        if hasattr(self, "line"):
            self.line.close()
        for own in clock._idle:
            own[1].socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            self.line, _ = self._listener.accept()
            self.say(1)

    def say(self, word: int) -> None:
        self.line.send(clock.WORD.pack(word))


def test_the_time_is_on_the_page(keeper: Keeper) -> None:
    keeper.page[0] = NOW_US + 5

    assert clock.now_us() == NOW_US + 5


def test_a_wait_is_on_the_page_until_it_is_called_off(keeper: Keeper) -> None:
    with clock.limit(1.5):
        waiting = keeper.page.tolist()

    assert waiting == [NOW_US, 0, 0, 0, NOW_US + 1_500_000, NOW_US, 1, 0]
    assert keeper.page[4] == 0


def test_the_word_of_a_wait_that_was_called_off_is_none_for_the_next(keeper: Keeper) -> None:
    ours, theirs = socket.socketpair()
    with clock.limit(1):
        keeper.say(1)

    with ours, theirs, clock.limit(1) as limited:
        theirs.send(b"!")
        limited.wait_readable(ours)


def test_a_limit_that_has_come_has_come_for_good(keeper: Keeper) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, clock.limit(1) as limited:
        keeper.say(1)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                limited.wait_readable(ours)


def test_a_clock_that_is_gone_is_said(keeper: Keeper) -> None:
    with clock.limit(1):
        pass
    keeper.line.shutdown(socket.SHUT_RDWR)

    with pytest.raises(ConnectionError, match=r"the clock at .* is gone"):
        clock.sleep(1)


def test_a_clock_that_is_gone_is_said_in_an_event_loop(keeper: Keeper) -> None:
    with clock.limit(1):
        pass
    keeper.line.shutdown(socket.SHUT_RDWR)

    with pytest.raises(ConnectionError, match=r"the clock at .* is gone"):
        asyncio.run(clock.asleep(1))
