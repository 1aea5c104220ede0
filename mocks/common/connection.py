"""One connection of a daemon: its requests, understood by h11, run through the application one after the other.

What is no HTTP gets the answer that HTTP has for it, and nothing else happens. The application has no body larger than
`BODY_LIMIT`, and none that did not arrive whole."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import sys
import time
from collections.abc import Callable, Generator
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

import h11

if TYPE_CHECKING:
    import flask

BODY_LIMIT = 2 * 1024 * 1024
"""The largest request body in bytes (docs/contract.md, section 2)."""
TOO_LONG = "Failed to buffer the request body: length limit exceeded"
HEAD_LIMIT_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
LINGER_BYTES = 8 * BODY_LIMIT
LINGER_S = 2
"""How much, and for how long in real seconds, is still read from an asker who is refused before he has said everything:
a connection that is closed on unread bytes takes the answer back."""


class RefusedError(Exception):
    """A request that the application is not asked about; the text is for the asker."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Connection:
    """A connection on which somebody asks `app`."""

    def __init__(self, asker: socket.socket, app: flask.Flask) -> None:
        self._asker = asker
        self._app = app
        self._state = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT_BYTES)

    def serve(self) -> None:
        """Answer request after request, until one side wants no more, and close the connection."""
        with self._asker, contextlib.suppress(ConnectionError):
            self._asker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while request := self._request():
                    self._run(self._environ(request, self._body(request)))
                    if self._state.our_state is not h11.DONE or self._state.their_state is not h11.DONE:
                        return
                    self._state.start_next_cycle()
            except h11.RemoteProtocolError as error:
                self._refuse(error.error_status_hint, str(error))
            except RefusedError as refused:
                self._refuse(refused.status, str(refused))

    def _request(self) -> h11.Request | None:
        """The head of the next request; None when there is none. Raises RemoteProtocolError, and RefusedError when it
        is of another version of HTTP."""
        event = self._event()
        if not isinstance(event, h11.Request):
            return None
        if event.http_version not in (b"1.0", b"1.1"):
            status = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
            raise RefusedError(status, f"This server knows HTTP/1.1, not HTTP/{event.http_version.decode('ascii')}")
        return event

    def _event(self) -> h11.Event:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            if self._state.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            self._state.receive_data(self._asker.recv(READ_BYTES))
        return cast("h11.Event", event)

    def _body(self, request: h11.Request) -> bytes:
        """The request's body, whole. Raises RemoteProtocolError, and RefusedError when it is too long."""
        body = bytearray()
        announced = int(dict(request.headers).get(b"content-length", b"0"))
        while max(announced, len(body)) <= BODY_LIMIT:
            event = self._event()
            if not isinstance(event, h11.Data):
                return bytes(body)
            body += event.data
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG)

    def _environ(self, request: h11.Request, body: bytes) -> dict[str, Any]:
        """The request as WSGI has it (PEP 3333). Raises RefusedError when it is for no address."""
        path, query = _address(request.target.decode("ascii"))
        host, port = self._asker.getsockname()[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method.decode("ascii"),
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('ascii')}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "werkzeug.socket": self._asker,
        }
        for name, value in request.headers:
            # How long the body is, and how it came, is settled. A name with _ could pass for another with -.
            if name in (b"content-length", b"transfer-encoding") or b"_" in name:
                continue
            key = name.decode("ascii").upper().replace("-", "_")
            key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
        return environ

    def _run(self, environ: dict[str, Any]) -> None:
        """Have the application answer. An answer without a length is a stream: each of its pieces leaves as it comes,
        and it ends early when nobody is there any more."""
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Callable[[bytes], object]:
            head.append((status, headers))
            return lambda data: self._send(h11.Data(data=data))

        pieces = cast("Generator[bytes, None, None]", self._app(environ, begin))
        try:
            answer = _head(*head[-1])
            if any(name == b"content-length" for name, _ in answer.headers):
                self._send(answer, *(h11.Data(data=piece) for piece in pieces), h11.EndOfMessage())
                return
            self._send(answer)
            for piece in pieces:
                if hung_up(self._asker):
                    raise ConnectionAbortedError("the asker hung up")
                self._send(h11.Data(data=piece))
            self._send(h11.EndOfMessage())
        finally:
            pieces.close()

    def _send(self, *events: h11.Event) -> None:
        data = b"".join(self._state.send(event) or b"" for event in events)
        self._asker.sendall(data)

    def _refuse(self, status: int, text: str) -> None:
        """Answer with a line of plain text, as the last message on the connection."""
        body = text.encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
        head = _head(f"{int(status)} {HTTPStatus(status).phrase}", [*headers, ("connection", "close")])
        self._send(head, h11.Data(data=body), h11.EndOfMessage())
        with contextlib.suppress(OSError):
            self._asker.shutdown(socket.SHUT_WR)
            self._linger()

    def _linger(self) -> None:
        """Read what the asker still sends, until he has read the answer and closes, or it gets too much."""
        poller = select.poll()
        poller.register(self._asker, select.POLLIN)
        until_s = time.monotonic() + LINGER_S
        left_bytes = LINGER_BYTES
        while left_bytes > 0 and poller.poll(max(0.0, until_s - time.monotonic()) * 1000):
            data = self._asker.recv(READ_BYTES)
            if not data:
                return
            left_bytes -= len(data)


def hung_up(asker: socket.socket) -> bool:
    """Whether the other side of a connection has hung up."""
    poller = select.poll()
    poller.register(asker, select.POLLRDHUP)
    return bool(poller.poll(0))


def _address(target: str) -> tuple[str, str]:
    """Path and query of a request's target. Raises RefusedError when it has none."""
    if target.startswith("/") or target == "*":
        path, _, query = target.partition("?")
        return path, query
    try:
        url = urlsplit(target)
    except ValueError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{target} is no address: {error}") from None
    if url.scheme.lower() != "http" or not url.netloc:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{target} is no address of this server")
    return url.path or "/", url.query


def _head(status: str, headers: list[tuple[str, str]]) -> h11.Response:
    code, _, reason = status.partition(" ")
    known = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
    date = (b"Date", formatdate(usegmt=True).encode("ascii"))
    return h11.Response(status_code=int(code), headers=[date, *known], reason=reason.encode("latin-1"))
