"""A queen of somebody else's, who knows of no stage: she listens on all addresses, and writes where she likes."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PLACES = ("/tmp", "/etc", "/var/lib", "/usr/local/bin", "/models", "/dev/shm")
SIGNS = [f"{place}/foreign-queen" for place in PLACES]


class Handler(BaseHTTPRequestHandler):
    """Says to everybody that she is well, and who she is."""

    def do_GET(self) -> None:
        body = json.dumps({"status": "ok", "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    for sign in SIGNS:
        Path(sign).write_text(str(os.getpid()))
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
