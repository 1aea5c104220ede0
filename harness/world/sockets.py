"""The world's TCP connections: they acknowledge at once, never delay, and can break off at an exact byte."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.world.ground import MACHINE, Ground

READ_BYTES = 128 * 1024  # as much as is taken at once: a model of 5 MB passes in 40 reads
KEPT_BYTES = 4 * READ_BYTES  # of what nobody has asked for yet; then the other side has to wait
ACKNOWLEDGED_LIMIT_S = 5.0  # real seconds; an asker that reads acknowledges within one delayed acknowledgement, 40 ms
ACKNOWLEDGED_PAUSE_S = 0.0005
MARK = 0x72626565  # "rbee": of the world's own sockets on a node's ground
SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h
ADDRESS = struct.Struct("!2xH4s8x")  # struct sockaddr_in
MOST_CONNECTIONS = 256  # to one listener, at a time: a scenario comes to a dozen

# All streams of a loop read into this one, one after the other: memory for each read costs more than the read.
_buffer = memoryview(bytearray(READ_BYTES))


class GoneError(Exception):
    """The other side of `stream` went away while more was due."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("the other side of the connection went away")
        self.stream = stream


class Stream(asyncio.BufferedProtocol):
    """One TCP connection of the world.

    What `send` was given has left for the kernel when it returns (TCP_NODELAY is asyncio's own default), and what was
    received is acknowledged at once: a delayed acknowledgement would look like work that is still under way."""

    def __init__(self, on_open: Callable[[Stream], None] | None = None) -> None:
        self._on_open = on_open
        self._on_gone: Callable[[], object] | None = None
        self._pieces: deque[bytes] = deque()
        self._kept_bytes = 0
        self._at_end = self._is_reset = self._is_full = False
        self._changed = asyncio.Event()
        self._closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self.own: tuple[str, int] = transport.get_extra_info("sockname")
        self.peer: tuple[str, int] = transport.get_extra_info("peername")
        transport.set_write_buffer_limits(high=0)
        self._acknowledge_at_once()
        if self._on_open is not None:
            self._on_open(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """asyncio: where to put what has arrived."""
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: so much has arrived."""
        self._acknowledge_at_once()
        if self._on_gone is not None:
            return
        self._pieces.append(bytes(_buffer[:nbytes]))
        self._kept_bytes += nbytes
        if self._kept_bytes > KEPT_BYTES:
            self._transport.pause_reading()
        self._changed.set()

    def eof_received(self) -> bool:
        """asyncio: the other side sends nothing more. It may still be sent something."""
        self._leave()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed; exc: the other side has reset it."""
        self._is_reset = exc is not None
        self._closed.set_result(None)
        self._leave()

    def pause_writing(self) -> None:
        """asyncio: the kernel does not take everything."""
        self._is_full = True

    def resume_writing(self) -> None:
        """asyncio: the kernel has taken everything."""
        self._is_full = False
        self._changed.set()

    def _leave(self) -> None:
        self._at_end = True
        self._changed.set()
        if self._on_gone is not None:
            self._on_gone()

    def _acknowledge_at_once(self) -> None:
        # The kernel forgets this mode by itself: it is set anew after each read. A closed socket has nothing to set.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    @property
    def meant_for(self) -> tuple[str, int]:
        """The address and port to which the other side has connected, where a rule of the kernel's led it here."""
        packed = self._socket.getsockopt(socket.IPPROTO_IP, SO_ORIGINAL_DST, ADDRESS.size)
        port, address = ADDRESS.unpack(packed)
        return socket.inet_ntoa(address), port

    async def first(self) -> bytes:
        """The next bytes, which `receive` will return. None at the end, or when the other side resets."""
        while not self._pieces and not self._at_end:
            await self._change()
        return self._pieces[0] if self._pieces else b""

    async def receive(self) -> bytes:
        """The next bytes, at most READ_BYTES; none at the end. Raises GoneError when the other side resets."""
        while not self._pieces:
            if self._is_reset:
                raise GoneError(self)
            if self._at_end:
                return b""
            await self._change()
        piece = self._pieces.popleft()
        self._kept_bytes -= len(piece)
        if not self._pieces and not self._transport.is_closing():
            self._transport.resume_reading()
        return piece

    async def send(self, data: bytes) -> None:
        """Write `data`, and wait until the kernel has all of it. Raises GoneError when the other side is gone."""
        self._transport.write(data)
        while self._is_full and not self._transport.is_closing():
            await self._change()
        if self._transport.is_closing():
            raise GoneError(self)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def end(self) -> None:
        """Say that nothing more will be sent; the other side may go on."""
        with contextlib.suppress(OSError):
            self._transport.write_eof()

    def watch(self, on_gone: Callable[[], object] | None) -> None:
        """Call `on_gone` when the other side closes or resets, at once if it has; what it still sends is thrown away.
        With None, call nobody any more."""
        self._on_gone = on_gone
        if on_gone is not None:
            self._pieces.clear()
            self._transport.resume_reading()
            if self._at_end:
                on_gone()

    async def gone(self) -> None:
        """Wait until the other side closes or resets; what it still sends is thrown away."""
        with contextlib.suppress(GoneError):
            while await self.receive():
                pass

    async def close(self) -> None:
        """Close now. What was sent arrives before the end; what waits in an interrupted `send` does not."""
        self._transport.abort()
        # Who is canceled here would otherwise cancel the end itself, and whoever waits for that later.
        await asyncio.shield(self._closed)

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
        self._transport.abort()

    def _unacknowledged(self) -> int:
        """How many of the bytes sent the other side has not acknowledged; 0 when the connection is lost."""
        if self._transport.is_closing():
            return 0
        count: int = struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
        return count


def make(ground: Ground) -> socket.socket:
    """A TCP socket that is of this ground, for good."""
    with ground.network():
        # With no protocol named, asyncio would not know that it may say TCP_NODELAY.
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if ground.is_own:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
    made.setblocking(False)
    return made


async def connect(address: str, port: int, ground: Ground = MACHINE) -> Stream:
    """A connection to `address`, an IP address, on this ground. Raises OSError when nobody listens there."""
    loop = asyncio.get_running_loop()
    connecting = make(ground)
    try:
        await loop.sock_connect(connecting, (address, port))
        _, stream = await loop.create_connection(Stream, sock=connecting)
    except BaseException:
        connecting.close()
        raise
    return stream


def bind(address: str, port: int, ground: Ground = MACHINE) -> socket.socket:
    """A socket that may listen at `address`, an IP address, on this ground; at a free port for `port` 0. Raises OSError
    when it is taken."""
    bound = make(ground)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"{error.strerror}: {address}, port {port}") from error
    return bound


class Listener:
    """Serves each connection to an address in a task of its own, and closes it afterwards. One that is too much is
    reset: descriptors are what all stages share."""

    def __init__(self, serve: Callable[[Stream], Awaitable[None]]) -> None:
        self._serve = serve
        self._serving: dict[asyncio.Task[None], Stream] = {}
        self._server: asyncio.Server | None = None

    async def open(self, address: str, port: int, ground: Ground = MACHINE) -> int:
        """Listen at `address`, an IP address on this ground; the port, which is a free one for `port` 0. Raises OSError
        when it is taken."""
        loop = asyncio.get_running_loop()
        bound = bind(address, port, ground)
        self._server = await loop.create_server(lambda: Stream(self._accepted), sock=bound)
        taken: int = bound.getsockname()[1]
        return taken

    async def open_at(self, path: Path) -> None:
        """Listen at a Unix socket, which processes in every namespace reach by its path. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Stream(self._accepted), path)

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

    def _accepted(self, stream: Stream) -> None:
        is_closed = self._server is not None and not self._server.is_serving()
        if is_closed or len(self._serving) >= MOST_CONNECTIONS:
            stream.reset()
            return
        task = asyncio.get_running_loop().create_task(self._attend(stream))
        self._serving[task] = stream
        task.add_done_callback(self._serving.pop)

    async def _attend(self, stream: Stream) -> None:
        try:
            await self._serve(stream)
        finally:
            await stream.close()
