"""The network of a stage: a forward proxy that knows who asks, and where rbee's names and ports really are."""

from __future__ import annotations

import asyncio
import itertools
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial

import h11

from harness import fixtures
from harness.world import direct, http1
from harness.world.askers import Askers, Sockets
from harness.world.exchange import Destination, Exchange, Stage
from harness.world.faults import Faults
from harness.world.ground import MACHINE, Ground
from harness.world.relay import relay
from harness.world.sockets import GoneError, Listener, Stream, connect
from harness.world.topology import PROXY_PORT, SSH_PORT, Node
from harness.world.tunnel import tunnel

Serve = Callable[[str, Sockets, Stream], Awaitable[None]]
OPERATOR = "operator"  # the asker of the harness's own requests
OWN_NAMES = ("localhost", "127.0.0.1")  # to each node, itself
ADVICE = "This is the network of a stage, a forward proxy: it takes requests for http://host:port/path, and CONNECT."


class Network:
    """Relays what the programs of `stage` and its operator ask, tells the stage of every exchange, and lets `faults`
    befall them. Each node has a listener of its own, so that it is known who asks. The operator's is a Unix socket: the
    operator is a process of the machine, wherever the nodes are."""

    def __init__(self, stage: Stage, faults: Faults, askers: Askers) -> None:
        self._stage = stage
        self._faults = faults
        self._askers = askers
        self._numbers = itertools.count(1)
        self._listeners: list[Listener] = []
        self._sockets: list[Sockets] = []

    async def open(self) -> None:
        """Listen at PROXY_PORT of every node's address, and for the operator. Raises OSError when one is taken; then
        nothing is left open."""
        try:
            for node in self._stage.nodes.values():
                with node.ground.network():
                    sockets = Sockets()
                self._sockets.append(sockets)
                await self._listen(self._serve, node, sockets, PROXY_PORT)
                if self._stage.hosts:
                    await self._listen(self._serve_direct, node, sockets, direct.PORT)
            listener = Listener(partial(self._serve, OPERATOR, None))
            self._listeners.append(listener)
            await listener.open_at(self._stage.operator_path)
        except OSError:
            await self.close()
            raise

    async def _listen(self, serve: Serve, node: Node, sockets: Sockets, port: int) -> None:
        listener = Listener(partial(serve, node.name, sockets))
        self._listeners.append(listener)
        await listener.open(node.address, port, node.ground)

    async def close(self) -> None:
        """Listen no more, and break off every exchange under way; nothing more is told."""
        for listener in self._listeners:
            await listener.close()
        for sockets in self._sockets:
            sockets.close()

    async def _serve(self, asker: str, sockets: Sockets | None, stream: Stream) -> None:
        """The one exchange of a connection."""
        connection = http1.Connection(stream, h11.SERVER)
        try:
            request = await http1.read_request(connection)
            destination = Destination.of(request)
        except http1.NotHttpError as error:
            await http1.refuse(connection, error, ADVICE)
        except GoneError:
            pass  # it never asked anything
        else:
            process = self._askers.find(sockets, stream.own, stream.peer) if sockets else None
            number = next(self._numbers)
            await self._carry(Exchange(self._stage, number, asker, process, connection, request, destination))

    async def _serve_direct(self, asker: str, sockets: Sockets, stream: Stream) -> None:
        """The one exchange of a connection that was meant for somebody else. What is no HTTP passes like a tunnel."""
        address, port = stream.meant_for
        host = next((name for name, known in self._stage.hosts.items() if known == address), OWN_NAMES[1])
        connection = http1.Connection(stream, h11.SERVER)
        request = http1.Request("CONNECT", f"{host}:{port}", "1.1", [], b"", is_whole=True)
        try:
            if await direct.speaks_http(stream, port):
                request = await http1.read_request(connection)
        except http1.NotHttpError as error:
            await http1.refuse(connection, error, ADVICE)
        except GoneError:
            pass
        else:
            process = self._askers.find(sockets, (address, port), stream.peer)
            place = Destination(host, port, "" if request.method == "CONNECT" else request.target)
            number = next(self._numbers)
            await self._carry(Exchange(self._stage, number, asker, process, connection, request, place, is_direct=True))

    async def _carry(self, exchange: Exchange) -> None:
        try:
            await self._pass(exchange)
        except Exception:  # a fault of the world's own costs the exchange only
            traceback.print_exc()
            await exchange.break_off("broken")

    async def _pass(self, exchange: Exchange) -> None:
        """Tell of the exchange from beginning to end. Faults come before names: they may hit a host that is no node."""
        node = self._node(exchange)
        exchange.asked(node.name if node else None)
        fault = self._faults.swallowing(exchange.destination.host, exchange.destination.port)
        if fault is not None:
            await _swallow(exchange, fault)
        elif exchange.is_tunnel or not exchange.request.is_whole:  # more is to come from the asker
            await self._deliver(exchange)
        else:
            await _unless_left(exchange.connection.stream, self._deliver(exchange))
        if not exchange.is_over:
            exchange.ended("left")

    async def _deliver(self, exchange: Exchange) -> None:
        """Have the exchange answered by whom it is meant for."""
        answerer = await self._reach(exchange)
        if answerer is None:
            exchange.ended("refused")
            if exchange.is_direct:
                exchange.connection.stream.reset()
            return
        try:
            if exchange.is_tunnel:
                await tunnel(exchange, answerer)
            else:
                await relay(exchange, http1.Connection(answerer, h11.CLIENT), self._faults)
        finally:
            await answerer.close()

    async def _reach(self, exchange: Exchange) -> Stream | None:
        """A connection to whom the exchange is meant for; None when nobody listens there. A program that is still
        starting is not "nobody": before that is said, everybody must have come to rest."""
        for again in (True, False):
            place = self._place(exchange)
            if place is not None:
                with suppress(OSError):
                    return await connect(*place)
            if again:
                await self._stage.settled()
        return None

    def _node(self, exchange: Exchange) -> Node | None:
        """The node that the exchange's host means to its asker."""
        host, nodes = exchange.destination.host, self._stage.nodes
        if host in OWN_NAMES:
            return nodes[self._stage.control_node if exchange.asker == OPERATOR else exchange.asker]
        return next((node for node in nodes.values() if node.host.lower() == host), None)

    def _place(self, exchange: Exchange) -> tuple[str, int, Ground] | None:
        """The address, port and ground that the exchange's host and port mean to its asker; None for an unknown
        name."""
        host, port, node = exchange.destination.host, exchange.destination.port, self._node(exchange)
        if node is not None:
            return node.address, node.ssh_port if port == SSH_PORT else port, node.ground
        hub = self._stage.hub if (host, port) == (fixtures.HUB_HOST, 80) else None
        return (*hub, MACHINE) if hub else None


async def _swallow(exchange: Exchange, fault: int) -> None:
    """Never answer. To a tunnel the host is one that accepts the connection and then never says a word."""
    exchange.hit(fault, "swallow")
    if exchange.is_tunnel:
        with suppress(GoneError):
            await exchange.established()
    await exchange.connection.stream.gone()
    exchange.ended("swallowed")


async def _unless_left(asker: Stream, delivery: Coroutine[None, None, None]) -> None:
    """Wait for the end of `delivery`, or break it off as soon as the asker leaves, also while nothing flows. An asker
    that closes only its own half has left, too: from here nobody can tell the difference."""
    delivering = asyncio.current_task()
    assert delivering is not None
    left = False

    def leave() -> None:
        nonlocal left
        left = left or delivering.cancel()

    asker.watch(leave)
    try:
        await delivery
    except asyncio.CancelledError:
        if not left:
            raise
        delivering.uncancel()
    finally:
        asker.watch(None)
