"""What a queen deals with, played in the test: hives and workers on loopback, and nodes that take SSH logins."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import flask
from werkzeug.serving import WSGIRequestHandler, make_server

from mocks.common.events import DONE, encode

MODEL = "hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"
HIVE_PORT = 9200
READY_LINE = "[http-server] 🚀 HTTP server ready on port 9200\n"

_numbers = itertools.count(1)
_host_key = asyncssh.generate_private_key("ssh-ed25519")

Command = Callable[["asyncssh.SSHServerProcess[str]"], Awaitable[None]]


def fresh_host() -> str:
    """A loopback address that nobody else uses."""
    pid = os.getpid()
    return f"127.{200 + pid % 50}.{pid // 50 % 256}.{next(_numbers)}"


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass

    def connection_dropped(self, *_: Any) -> None:
        self.close_connection = True


@contextmanager
def served(app: flask.Flask, host: str, port: int = 0) -> Iterator[int]:
    """Answer at host and port, a free one if it is 0, while the block runs. Yields the port."""
    server = make_server(host, port, app, threaded=True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def swallowing(host: str, port: int) -> Iterator[None]:
    """Take connections at host and port, and never say a word."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        yield


def stream(*events: Any, done: bool = True) -> flask.Response:
    """An event stream. An event that is callable is called at its turn; without its end mark the stream breaks off."""

    def pieces() -> Iterator[bytes]:
        for event in events:
            if callable(event):
                event()
            else:
                yield encode(event)
        if not done:
            raise ConnectionAbortedError("as the test wants it")
        yield DONE

    return flask.Response(pieces(), content_type="text/event-stream")


class Service:
    """A daemon whose answers a test sets: `answers["GET /path"]` is what is returned, or called for it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.app = flask.Flask(__name__)
        self.app.add_url_rule("/<path:path>", view_func=self._answer, methods=["GET", "POST", "DELETE"])

    def _answer(self, path: str) -> Any:
        asked = f"{flask.request.method} /{path}"
        self.asked.append(asked)
        self.bodies.append(flask.request.get_json(silent=True))
        self.keys.append(flask.request.headers.get("Authorization"))
        answer = self.answers.get(asked, ("", 404))
        return answer() if callable(answer) else answer

    def body_of(self, asked: str) -> Any:
        """The body of the only request of that kind."""
        (body,) = [body for name, body in zip(self.asked, self.bodies, strict=True) if name == asked]
        return body


def hive(host: str) -> Service:
    """A hive that is well and has no worker."""
    made = Service(host)
    made.answers["GET /v1/health"] = {"status": "alive", "version": "0.1.0", "api_version": "v1"}
    made.answers["GET /v1/workers/list"] = {"workers": []}
    return made


class SshNode:
    """A machine that takes SSH logins with one key. `commands[command]` plays a command; others succeed in silence."""

    def __init__(self, host: str, key: Path) -> None:
        self.host = host
        self.port = 0
        self.key = key
        self.commands: dict[str, Command] = {}
        self.ran: list[str] = []
        self.logins: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._processes: list[asyncssh.SSHServerProcess[str]] = []
        self._connections: list[Any] = []

    @contextmanager
    def running(self) -> Iterator[SshNode]:
        """Take logins while the block runs."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = self._do(self._listen()).result()
        self.port = server.get_port()
        try:
            yield self
        finally:
            self._do(self._close(server)).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _do(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            self.host,
            0,
            server_host_keys=[_host_key],
            authorized_client_keys=asyncssh.read_authorized_keys(f"{self.key}.pub"),
            process_factory=self._run,
            encoding="utf-8",
        )

    async def _close(self, server: asyncssh.SSHAcceptor) -> None:
        """Take no more logins, end the commands that still run, and wait until their callers have hung up."""
        server.close()
        for process in self._processes:
            process.exit(0)
        for connection in self._connections:
            await connection.wait_closed()
        await server.wait_closed()  # from Python 3.12 on it waits for the connections, too

    async def _run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        command = process.command or ""
        self.ran.append(command)
        self._processes.append(process)
        self._connections.append(process.channel.get_connection())
        self.logins.append(str(process.get_extra_info("username")))
        if command in self.commands:
            await self.commands[command](process)
        process.exit(0)


def failing(code: int, stderr: str) -> Command:
    """A command that ends with `code` after writing to its stderr."""

    async def run(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stderr.write(stderr)
        process.exit(code)

    return run


def staying(
    *lines: str, begun: Callable[[], object] = lambda: None, ended: Callable[[], object] = lambda: None
) -> Command:
    """A command that calls `begun`, prints lines and stays until SIGTERM; then it calls `ended`."""

    async def run(process: asyncssh.SSHServerProcess[str]) -> None:
        begun()
        process.stdout.write("".join(lines))
        try:
            await process.stdin.read()
        except asyncssh.SignalReceived:
            ended()

    return run
