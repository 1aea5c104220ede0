"""An HTTP server that answers for a worker whose process cannot."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType

Answer = Callable[[], int]

HEALTH = "GET /v1/health"
SHUTDOWN = "POST /v1/admin/shutdown"


@dataclass
class Front:
    """`answers`: who chooses the status of a `METHOD path`. `asked`: the requests, with their Authorization."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def __enter__(self) -> Front:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.front = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    front: Front
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        front = self.server.front
        line = f"{self.command} {self.path}"
        front.asked.append((line, self.headers.get("Authorization")))
        self.send_response(front.answers.get(line, lambda: 404)())
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""
