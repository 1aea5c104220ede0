"""Tunnels through the network (CONNECT): bytes both ways, as SSH wants them."""

from __future__ import annotations

import asyncio

from harness.world.exchange import Exchange
from harness.world.sockets import GoneError, Stream


async def tunnel(exchange: Exchange, host: Stream) -> None:
    """Carry bytes between the exchange's asker and `host` until both have said that they are done, or one resets."""
    pumps = [asyncio.create_task(_outward(exchange, host)), asyncio.create_task(_homeward(exchange, host))]
    try:
        await asyncio.gather(*pumps)
        exchange.ended("complete")
    except GoneError as gone:
        if gone.stream is host:
            await exchange.break_off("broken")
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _outward(exchange: Exchange, host: Stream) -> None:
    await host.send(exchange.connection.beyond)
    while data := await exchange.connection.stream.receive():
        await host.send(data)
    host.end()


async def _homeward(exchange: Exchange, host: Stream) -> None:
    asker = exchange.connection.stream
    await exchange.established()
    while data := await host.receive():
        await asker.send(data)
        exchange.size += len(data)
    asker.end()
