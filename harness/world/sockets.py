"""The world's TCP connections: they acknowledge at once, never delay, and can break off at an exact byte."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Awaitable, Callable

READ_BYTES = 256 * 1024  # as much as asyncio takes at once: a model of 5 MB passes in 20 reads
ACKNOWLEDGED_LIMIT_S = 5.0  # real seconds; an asker that reads acknowledges within one delayed acknowledgement, 40 ms
ACKNOWLEDGED_PAUSE_S = 0.0005


class GoneError(Exception):
    """The other side of `stream` went away while more was due."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("the other side of the connection went away")
        self.stream = stream


class Stream:
    """One TCP connection of the world.

    What `send` was given has left for the kernel when it returns (TCP_NODELAY is asyncio's own default), and what was
    received is acknowledged at once: a delayed acknowledgement would look like work that is still under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._socket: socket.socket = writer.get_extra_info("socket")
        writer.transport.set_write_buffer_limits(high=0)
        self._acknowledge_at_once()

    def _acknowledge_at_once(self) -> None:
        # The kernel forgets this mode by itself: it is set anew after each read. A closed socket has nothing to set.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def receive(self) -> bytes:
        """The next bytes, at most READ_BYTES; none at the end. Raises GoneError when the other side resets."""
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError:
            raise GoneError(self) from None
        self._acknowledge_at_once()
        return data

    async def send(self, data: bytes) -> None:
        """Write `data`, and wait until the kernel has all of it. Raises GoneError when the other side is gone."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            raise GoneError(self) from None

    def end(self) -> None:
        """Say that nothing more will be sent; the other side may go on."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def gone(self) -> None:
        """Wait until the other side closes or resets; what it still sends is thrown away."""
        with contextlib.suppress(GoneError):
            while await self.receive():
                pass

    async def close(self) -> None:
        """Close now. What was sent arrives before the end; what waits in an interrupted `send` does not."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            # Who is canceled here would otherwise cancel the end itself, and whoever waits for that later.
            await asyncio.shield(self._writer.wait_closed())

    async def acknowledged(self) -> None:
        """Wait until the other side has acknowledged everything that was sent, at most ACKNOWLEDGED_LIMIT_S. This takes
        real time: the kernel tells nobody, so it is asked again and again."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + ACKNOWLEDGED_LIMIT_S
        while self._unacknowledged() and loop.time() < limit:
            await asyncio.sleep(ACKNOWLEDGED_PAUSE_S)

    def reset(self) -> None:
        """Reset the connection. What the other side has not acknowledged by now may never arrive."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _unacknowledged(self) -> int:
        """How many of the bytes sent the other side has not acknowledged; 0 when the connection is lost."""
        if self._writer.is_closing():
            return 0
        count: int = struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
        return count


async def connect(address: str, port: int) -> Stream:
    """A connection to `address`, an IP address. Raises OSError when nobody listens there."""
    return Stream(*await asyncio.open_connection(address, port, limit=READ_BYTES))


class Listener:
    """Serves each connection to an address in a task of its own, and closes it afterwards."""

    def __init__(self, serve: Callable[[Stream], Awaitable[None]]) -> None:
        self._serve = serve
        self._serving: dict[asyncio.Task[None], Stream] = {}
        self._server: asyncio.Server | None = None

    async def open(self, address: str, port: int) -> int:
        """Listen at `address`, an IP address; the port, which is a free one for `port` 0. Raises OSError when it is
        taken."""
        self._server = await asyncio.start_server(self._accepted, address, port, limit=READ_BYTES)
        taken: int = self._server.sockets[0].getsockname()[1]
        return taken

    async def close(self) -> None:
        """Listen no more, and end every connection at once. Harmless when it never listened."""
        if self._server is None:
            return
        self._server.close()
        serving = dict(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for stream in serving.values():
            await stream.close()  # a task that was canceled before its first step has closed nothing
        await self._server.wait_closed()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is not None and not self._server.is_serving():
            writer.transport.abort()
            return
        stream = Stream(reader, writer)
        task = asyncio.get_running_loop().create_task(self._attend(stream))
        self._serving[task] = stream
        task.add_done_callback(self._serving.pop)

    async def _attend(self, stream: Stream) -> None:
        try:
            await self._serve(stream)
        finally:
            await stream.close()
