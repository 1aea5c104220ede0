"""How a daemon answers HTTP: its Flask application, and the server that runs it until it is told to stop."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, InternalServerError

from mocks.common import log, machine
from mocks.common.connection import BODY_LIMIT, Connection
from mocks.common.errors import RbeeError

SHORTAGE_S = 0.1
"""How often, in real seconds, a server that has run out of descriptors or threads tries again."""

_SHUT = (errno.EINVAL, errno.EBADF)
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_STOPS = "rbee-stops"


class _Json(DefaultJSONProvider):
    """JSON as rbee writes it: members in their order, text as it is. Half a surrogate pair, which is no text, stays the
    escape that it was."""

    sort_keys = False
    ensure_ascii = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs).encode(errors="backslashreplace").decode()


def application(name: str) -> flask.Flask:
    """A Flask application that answers as rbee's servers do (docs/contract.md, section 2).

    An unknown path and a wrong method get an empty body, a trailing slash is another path, an RbeeError raised by a
    route becomes its envelope, a want of descriptors or memory 503, any other exception INTERNAL_ERROR, with the
    traceback on stderr.
    """
    app = flask.Flask(name, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.json = _Json(app)
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

    @app.errorhandler(OSError)
    def short(failure: OSError) -> tuple[dict[str, object], int]:
        if failure.errno not in _SHORTAGES:
            raise failure
        return RbeeError("INTERNAL_ERROR", os.strerror(failure.errno)).envelope(), 503

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
        try:
            ready()
            stops.get()
            stop()
        finally:
            # Closing alone would leave the accepting thread where it is, and with it the port open.
            listener.shutdown(socket.SHUT_RDWR)
    return 0


def shut_down() -> None:
    """Called by a route: stop as if SIGTERM had come, as soon as the answer of this route has left."""
    stops: queue.SimpleQueue[object] = flask.current_app.extensions[_STOPS]
    once_answered(lambda: stops.put(None))


def once_answered(act: Callable[[], None]) -> None:
    """Called by a route: call `act` as soon as the answer of this route has left, or its asker has gone."""

    @flask.after_this_request
    def arrange(response: flask.Response) -> flask.Response:
        response.call_on_close(act)
        return response


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


class Server:
    """Answers at a socket that listens already, a thread a connection. The library's own server asks a name server
    between bind and listen, reads what version it has from its package's metadata at each start, and polls."""

    def __init__(self, listener: socket.socket, app: flask.Flask) -> None:
        self._listener = listener
        self._app = app
        self._freed = threading.Event()
        self._is_short = False

    def accept(self) -> None:
        """Give every caller a thread, until the listening socket is shut down. Where descriptors or threads run out,
        callers have to wait until there are some again."""
        while True:
            try:
                asker, _ = self._listener.accept()
            except OSError as failure:
                if failure.errno in _SHUT:
                    return
                if failure.errno != errno.ECONNABORTED:
                    self._wait(os.strerror(failure.errno or 0))
                continue
            while not self._begins(asker):
                self._wait("no more threads")
            self._is_short = False

    def _begins(self, asker: socket.socket) -> bool:
        try:
            threading.Thread(target=self._serve, args=(asker,), daemon=True, name="connection").start()
        except RuntimeError:
            return False
        return True

    def _serve(self, asker: socket.socket) -> None:
        try:
            Connection(asker, self._app).serve()
        finally:
            self._freed.set()

    def _wait(self, lacking: str) -> None:
        """Wait for the end of a connection, or for what others may give back meanwhile; tell of it once."""
        if not self._is_short:
            log.warn(self._app.name, f"callers have to wait: {lacking}")
        self._is_short = True
        self._freed.clear()
        self._freed.wait(SHORTAGE_S)
