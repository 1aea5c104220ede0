"""Waiting in real time; with a clock: tests/harness/world/test_clock.py."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from mocks.common import clock


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


def test_a_clock_that_is_gone_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("clock") / "clock.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        monkeypatch.setenv("RBEE_CLOCK", str(path))
        line = clock._Line(str(path))
        server.accept()[0].close()

        with pytest.raises(ConnectionError, match=r"the clock at .* is gone"):
            line.answer()
        line.answers.close()
        line.socket.close()
