"""How a daemon answers HTTP: its Flask application, and the server that runs it until it is told to stop."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import select
import signal
import socket
import socketserver
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, cast

import flask
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.serving import DechunkedInput, WSGIRequestHandler

from mocks.common import machine
from mocks.common.errors import RbeeError

BODY_LIMIT = 2 * 1024 * 1024
"""The largest request body in bytes (docs/contract.md, section 2)."""

_STOPS = "rbee-stops"


def application(name: str) -> flask.Flask:
    """A Flask application that answers as rbee's servers do (docs/contract.md, section 2).

    An unknown path and a wrong method get an empty body, a trailing slash is another path, an RbeeError raised by a
    route becomes its envelope, any other exception INTERNAL_ERROR, with the traceback on stderr.
    """
    app = flask.Flask(name, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False
    app.extensions[_STOPS] = queue.SimpleQueue()

    @app.errorhandler(HTTPException)
    def bare(failure: HTTPException) -> flask.Response:
        response = flask.Response(status=failure.code)
        del response.headers["Content-Type"]
        response.headers.extend(item for item in failure.get_headers() if item[0] == "Allow")
        return response

    @app.errorhandler(InternalServerError)
    def defect(failure: InternalServerError) -> tuple[dict[str, object], int]:
        return RbeeError("INTERNAL_ERROR", repr(failure.original_exception or failure)).envelope(), 500

    @app.errorhandler(RbeeError)
    def failed(failure: RbeeError) -> tuple[dict[str, object], int]:
        return failure.envelope(), failure.status

    return app


def serve(app: flask.Flask, port: int, *, ready: Callable[[], None], stop: Callable[[], None]) -> int:
    """Answer at `machine.bind_host()`:`port`, a thread a connection, until SIGINT or SIGTERM; returns exit code 0.

    Calls `ready` once the port is open; when it is to stop, calls `stop` while it still answers, then closes, and
    answers that are still under way break off. Runs in the main thread. Raises OSError when it cannot bind.
    """
    stops: queue.SimpleQueue[object] = app.extensions[_STOPS]
    for number in (signal.SIGINT, signal.SIGTERM):
        # A queue of this kind may be fed from a signal handler, whatever the thread it interrupts is doing.
        signal.signal(number, lambda number, _: stops.put(number))
    with _listen(machine.bind_host(), port) as listener:
        server = Server(listener, app)
        threading.Thread(target=server.accept, daemon=True, name="accept").start()
        ready()
        stops.get()
        stop()
        # Closing alone would leave the accepting thread where it is, and with it the port open.
        listener.shutdown(socket.SHUT_RDWR)
    return 0


def shut_down() -> None:
    """Called by a route: stop as if SIGTERM had come, as soon as the answer of this route has left."""
    stops: queue.SimpleQueue[object] = flask.current_app.extensions[_STOPS]

    @flask.after_this_request
    def arrange(response: flask.Response) -> flask.Response:
        response.call_on_close(lambda: stops.put(None))
        return response


def asker_gone(asker: socket.socket) -> bool:
    """Whether the other side of a connection has hung up. A route has it as `request.environ["werkzeug.socket"]`."""
    poller = select.poll()
    poller.register(asker, select.POLLRDHUP)
    return bool(poller.poll(0))


@contextlib.contextmanager
def watched(asker: socket.socket, on_gone: Callable[[], None]) -> Iterator[None]:
    """Call `on_gone` as soon as the asker hangs up while the block runs, in a thread of its own.

    For a route that waits for somebody else. Leaving the block waits for a call that has begun. The asker of a
    route is `request.environ["werkzeug.socket"]`.
    """
    left = os.eventfd(0)
    poller = select.poll()
    poller.register(asker, select.POLLRDHUP)
    poller.register(left, select.POLLIN)

    def watch() -> None:
        if left not in dict(poller.poll()):
            on_gone()

    watcher = threading.Thread(target=watch, daemon=True, name="asker")
    watcher.start()
    try:
        yield
    finally:
        os.eventfd_write(left, 1)
        watcher.join()
        os.close(left)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Answers at a socket that listens already, a thread a connection. The library's own server asks a name server
    between bind and listen, reads what version it has from its package's metadata at each start, and polls."""

    daemon_threads = True
    # What the library's handler wants to know of its server.
    multithread, multiprocess, ssl_context, _server_version = True, False, None, "rbee"

    def __init__(self, listener: socket.socket, app: flask.Flask) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.app = app

    def accept(self) -> None:
        """Give every caller a thread, until the listening socket is shut down."""
        while True:
            try:
                asker, address = self.get_request()
            except ConnectionAbortedError:
                continue
            except OSError:
                return
            self.process_request(asker, address)


class _Handler(WSGIRequestHandler):
    """Runs the application for each request of a connection. The library's own way writes a piece of a stream in four
    writes, and waits 10 ms for further input before it closes the stream."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """One request: read it whole, run the application, send what it answers, piece by piece."""
        environ = self.make_environ()
        # A `100 Continue` may still be in the buffer, and the asker waits for it with its body.
        self.wfile.flush()
        length = environ.get("CONTENT_LENGTH") or "0"
        if isinstance(environ["wsgi.input"], DechunkedInput):
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
        elif length.isdigit() and int(length) <= BODY_LIMIT:
            environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(length)))
        else:
            # What is not read would be taken for the next request.
            self.close_connection = True
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Callable[[bytes], object]:
            head.append((status, headers))
            return self.wfile.write

        pieces = cast("Generator[bytes, None, None]", self.server.app(environ, begin))
        try:
            self._answer(*head[-1], pieces)
        finally:
            pieces.close()

    def _answer(self, status: str, headers: list[tuple[str, str]], pieces: Iterable[bytes]) -> None:
        code = status.partition(" ")[0]
        stream = "content-length" not in {name.lower() for name, _ in headers} and code not in ("204", "304")
        chunked = stream and self.request_version != "HTTP/1.0"
        self.close_connection |= stream and not chunked
        self.send_response(int(code))
        for name, value in headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if stream:
            self.wfile.flush()
        for piece in pieces:
            if stream and asker_gone(self.connection):
                raise ConnectionAbortedError("the asker hung up")
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged."""
