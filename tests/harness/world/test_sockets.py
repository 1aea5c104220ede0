"""The world's TCP connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any

import pytest

from harness.world import sockets
from harness.world.sockets import GoneError, Listener, Stream, connect

LIMIT_S = 30.0


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(coroutine, LIMIT_S))


async def read_to_reset(stream: Stream) -> int:
    """How many bytes arrive before the connection is reset."""
    received = 0
    try:
        while data := await stream.receive():
            received += len(data)
    except GoneError:
        return received
    raise AssertionError("it ended without a reset")


class Pair:
    """Both ends of a connection of the world: `here`, and `there`, where it was accepted."""

    here: Stream
    there: Stream

    async def __aenter__(self) -> Pair:
        accepted: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()

        async def serve(stream: Stream) -> None:
            accepted.set_result(stream)
            await asyncio.Event().wait()

        self._listener = Listener(serve)
        self.here = await connect("127.0.0.1", await self._listener.open("127.0.0.1", 0))
        self.there = await accepted
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.here.close()
        await self._listener.close()


def test_a_close_that_is_canceled_can_be_repeated() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            closing = asyncio.create_task(pair.here.close())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)

            await pair.here.close()

            assert closing.cancelled()

    run(scenario())


def test_an_end_is_not_a_reset() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            await pair.here.send(b"last")
            pair.here.end()

            received = [await pair.there.receive(), await pair.there.receive()]

        assert received == [b"last", b""]

    run(scenario())


def test_a_close_comes_behind_what_was_sent() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            await pair.here.send(bytes(1000))
            await pair.here.close()

            received = [await pair.there.receive(), await pair.there.receive()]

        assert received == [bytes(1000), b""]

    run(scenario())


def test_a_reset_names_the_stream_that_it_hit() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            pair.here.reset()

            with pytest.raises(GoneError) as gone:
                await pair.there.receive()

        assert gone.value.stream is pair.there

    run(scenario())


def test_sending_to_somebody_who_left_is_noticed() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            pair.here.reset()
            await pair.there.gone()

            with pytest.raises(GoneError):
                await pair.there.send(b"x")

    run(scenario())


def test_gone_waits_for_the_end_whatever_is_still_sent() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            leaving = asyncio.create_task(pair.there.gone())
            await pair.here.send(b"x" * 100_000)
            left_early = leaving.done()
            await pair.here.close()

            await leaving

        assert not left_early

    run(scenario())


def test_waiting_for_acknowledgement_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ACKNOWLEDGED_LIMIT_S", 0.01)

    async def scenario() -> None:
        async with Pair() as pair:
            # Nobody reads: the kernel of the other side takes so much and no more.
            sending = asyncio.create_task(pair.here.send(bytes(20_000_000)))
            await asyncio.wait({sending}, timeout=0.01)

            await pair.here.acknowledged()

            assert not sending.done()
            sending.cancel()

    run(scenario())


def test_a_reset_after_acknowledgement_loses_nothing() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            await pair.here.send(bytes(100_000))

            await pair.here.acknowledged()
            pair.here.reset()

            received = await read_to_reset(pair.there)

        assert received == 100_000

    run(scenario())


def test_a_taken_address_is_an_error() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listener = Listener(_serve_nothing)

            with pytest.raises(OSError, match="Address already in use"):
                await listener.open("127.0.0.1", taken.getsockname()[1])

            await listener.close()

    run(scenario())


def test_nobody_listening_is_an_error() -> None:
    async def scenario() -> None:
        listener = Listener(_serve_nothing)
        port = await listener.open("127.0.0.1", 0)
        await listener.close()

        with pytest.raises(ConnectionRefusedError):
            await connect("127.0.0.1", port)

    run(scenario())


def test_a_listener_that_closes_ends_its_connections() -> None:
    async def scenario() -> None:
        async with Pair() as pair:
            await pair._listener.close()

            received = await pair.here.receive()

        assert received == b""

    run(scenario())


async def _serve_nothing(_: Stream) -> None:
    """Leave at once."""
