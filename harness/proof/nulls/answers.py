"""A queen, hive or worker that says that it is ready, and answers every request with the same; without an answer it
lets everybody wait."""

import os
import socketserver
import sys

ANSWER = globals().get("ANSWER", "404 Not Found\r\n\r\n")


class Handler(socketserver.StreamRequestHandler):
    """Reads the head of a request, and answers."""

    def handle(self) -> None:
        """One connection: one request."""
        while self.rfile.readline().strip():
            pass
        if ANSWER is None:
            self.rfile.read()  # until the asker has had enough
            return
        head, _, body = ANSWER.partition("\r\n\r\n")
        size = len(body.encode())
        self.wfile.write(f"HTTP/1.1 {head}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{body}".encode())


def main() -> None:
    """Serve for ever."""
    port = int(dict(zip(sys.argv, sys.argv[1:], strict=False))["--port"])
    socketserver.ForkingTCPServer.allow_reuse_address = True
    with socketserver.ForkingTCPServer((os.environ.get("RBEE_BIND_HOST", "0.0.0.0"), port), Handler) as server:
        print(f"[http-server] 🚀 HTTP server ready on port {server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
