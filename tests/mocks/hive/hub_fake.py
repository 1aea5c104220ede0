"""A small model hub on loopback that honours Range, and breaks off where a test says."""

from __future__ import annotations

import array
import fcntl
import os
import re
import socket
import socketserver
import struct
import termios
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType

TINYLLAMA = "/TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF/resolve/main/tinyllama-q4.gguf"


@dataclass
class Hub:
    """`files`: address → content. `cuts`: for each request to come, the byte of the file before which it is reset."""

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int | None] = field(default_factory=list)
    knows_ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def __enter__(self) -> Hub:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
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
    hub: Hub
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        hub = self.server.hub
        wanted = self.headers.get("Range")
        hub.asked.append((self.path, wanted))
        cut = hub.cuts.pop(0) if hub.cuts else None
        if self.path not in hub.files:
            self.send_error(404)
            return
        content = hub.files[self.path]
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        first = int(found[1]) if found and hub.knows_ranges else 0
        if first:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - first))
        if cut is not None and cut <= first:
            self._reset()
            return
        self.end_headers()
        self.wfile.write(content[first:cut])
        if cut is not None:
            self._reset()

    def _reset(self) -> None:
        """Break the connection off once all that was sent has arrived."""
        self.close_connection = True
        unsent = array.array("i", [1])
        while unsent[0]:
            os.sched_yield()
            fcntl.ioctl(self.connection, termios.TIOCOUTQ, unsent)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The socket's own close would wait for the files that were made of it.
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""
