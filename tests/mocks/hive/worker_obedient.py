"""A program for the tests: listens at the address and port it is given, ends on a shutdown request, and says both."""

from __future__ import annotations

import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Takes any POST for a shutdown request."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        os.write(1, f"asked {self.path}\n".encode())
        os._exit(0)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


port = int(sys.argv[sys.argv.index("--port") + 1])
socketserver.TCPServer.allow_reuse_address = True
with socketserver.TCPServer((os.environ["RBEE_BIND_HOST"], port), Handler) as server:
    os.write(1, f"listening {port}\n".encode())
    server.serve_forever()
