"""A stage that is a network and nothing else, for tests that ask and answer on plain sockets.

The tests use ports of their own: on a machine where an rbee runs, 8080 and 9200 may be taken on every address."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.world.askers import Askers
from harness.world.faults import Faults
from harness.world.network import Network
from harness.world.topology import PROXY_PORT, Node, NodeFacts

LIMIT_S = 30.0  # of every wait in these tests
NODES = ("blep", "workstation")
HIVE = "http://workstation.home.arpa:29200"
LIST = "/v1/workers/list?a=b"
ASKED_LIST = {"exchange": 1, "port": 29200, "path": LIST}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class NetworkStage:
    """The nodes blep and workstation, an operator, and their network, which runs in a thread of its own.

    `events` is what it told. `settle` is called when the network waits until nobody works; `settled_count` says how
    often that was, and `hold_count` how often the stage's clock was held. An exchange that raises something is an error
    at the end."""

    stage = "s1"
    control_node = "blep"

    def __init__(self) -> None:
        subnet = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
        self.nodes = {
            name: Node(name, number, Path(name), NodeFacts(f"{name}.home.arpa", 8000), f"{subnet}.{number}")
            for number, name in enumerate(NODES, start=1)
        }
        self._directory = tempfile.TemporaryDirectory()
        self.operator_path = Path(self._directory.name) / "operator.sock"
        self.hub: tuple[str, int] | None = None
        self.hosts: Mapping[str, str] = {}
        self.faults = Faults()
        self.network = Network(self, self.faults, Askers(lambda: [os.getpid()], []))
        self.events: list[dict[str, Any]] = []
        self.settle: Callable[[], None] = lambda: None
        self.settled_count = 0
        self.hold_count = 0
        self._told = threading.Condition()
        self._sockets = contextlib.ExitStack()
        self._failures: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, failure: self._failures.append(failure))
        self._thread = threading.Thread(target=self._loop.run_forever)

    def tell(self, event: str, **fields: Any) -> None:
        with self._told:
            self.events.append({"event": event, **fields})
            self._told.notify_all()

    async def settled(self) -> None:
        self.settled_count += 1
        self.settle()

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        self.hold_count += 1
        yield

    def __enter__(self) -> NetworkStage:
        self._thread.start()
        try:
            self.run(self.network.open())
        except OSError:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self.network.close())
        finally:
            self._stop()
        gc.collect(1)  # asyncio reports what a task raised when the task is thrown away
        assert self._failures == []

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()
        self._sockets.close()
        self._directory.cleanup()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run `coroutine` in the network's loop, and wait for its end."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(LIMIT_S)

    def keep(self, connection: socket.socket) -> socket.socket:
        """Have a socket closed at the end; its calls are limited from now on."""
        connection.settimeout(LIMIT_S)
        return self._sockets.enter_context(connection)

    def listen(self, node: str, port: int) -> socket.socket:
        """A socket that listens at a port of `node`."""
        return self.keep(socket.create_server((self.nodes[node].address, port)))

    def accept(self, listening: socket.socket) -> socket.socket:
        """The next connection to `listening`."""
        return self.keep(listening.accept()[0])

    def ask(self, asker: str, data: bytes) -> socket.socket:
        """A connection from `asker` to its proxy, on which `data` has been sent."""
        if asker == "operator":
            connection = self.keep(socket.socket(socket.AF_UNIX))
            connection.connect(str(self.operator_path))
        else:
            connection = self.keep(socket.create_connection((self.nodes[asker].address, PROXY_PORT), LIMIT_S))
        connection.sendall(data)
        return connection

    def proxies(self, asker: str) -> dict[str, str]:
        """The proxies of `asker`, as `requests` takes them."""
        return {"http": f"http://{self.nodes[asker].address}:{PROXY_PORT}"}

    def told(self, event: str) -> list[dict[str, Any]]:
        """The events of this name so far, without their name."""
        with self._told:
            found = [dict(told) for told in self.events if told["event"] == event]
        return [{name: value for name, value in told.items() if name != "event"} for told in found]

    def await_event(self, event: str, count: int = 1) -> dict[str, Any]:
        """The `count`-th event of this name, when it has been told."""
        with self._told:
            assert self._told.wait_for(lambda: len(self.told(event)) >= count, LIMIT_S), f"never told: {event}"
        return self.told(event)[count - 1]


def get(url: str, *headers: str) -> bytes:
    """A GET request as it is sent to a proxy."""
    host = url.split("/")[2]
    return "\r\n".join([f"GET {url} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def read_head(connection: socket.socket) -> bytes:
    """What arrives up to the end of a message's head, and not more."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"ended after {data!r}"
        data += byte
    return data


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """The next `size` bytes."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"ended after {data!r}"
        data += piece
    return data


def read_all(connection: socket.socket) -> tuple[bytes, bool]:
    """All that still arrives, and whether the connection was reset in the end."""
    data = bytearray()
    try:
        while piece := connection.recv(1 << 20):
            data += piece
    except ConnectionResetError:
        return bytes(data), True
    return bytes(data), False


def ask_hive(stage: NetworkStage, hive: socket.socket, *headers: str) -> tuple[socket.socket, socket.socket]:
    """A GET of blep's that has reached the hive: both ends of it."""
    asker = stage.ask("blep", get(HIVE + LIST, *headers))
    answerer = stage.accept(hive)
    read_head(answerer)
    return asker, answerer


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
