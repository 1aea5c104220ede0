"""OpenSSH's way through a node's proxy, run as a program: `connect.py HOST PORT`.

Asks the proxy of HTTP_PROXY (http://HOST:PORT, or unix:PATH) for a connection to HOST and PORT, and joins it with its
own input and output. Ends with code 1 and a sentence on stderr when there is none. It needs nothing but the standard
library, so it starts quickly."""

import os
import select
import socket
import sys

READ_BYTES = 64 * 1024


def connect(proxy: tuple[str, int] | str, host: str, port: str) -> socket.socket:
    """A connection to host and port through the HTTP proxy, which is at an address or at the path of a Unix socket.
    Raises ConnectionError when the proxy has none to give."""
    if isinstance(proxy, str):
        tunnel = socket.socket(socket.AF_UNIX)
        tunnel.connect(proxy)
    else:
        tunnel = socket.create_connection(proxy)
    tunnel.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # a byte at a time: what follows the head belongs to SSH
        byte = tunnel.recv(1)
        if not byte:
            raise ConnectionError("Connection refused")
        head += byte
    if head.split(b" ", 2)[1] != b"200":
        raise ConnectionError(f"the proxy answered {head.splitlines()[0].decode('ascii', 'replace')}")
    return tunnel


def join(tunnel: socket.socket) -> None:
    """Pass bytes between the tunnel and this program's input and output, until the far side ends."""
    sources = [0, tunnel.fileno()]
    while True:
        for source in select.select(sources, [], [])[0]:
            data = os.read(source, READ_BYTES)
            if source == tunnel.fileno():
                if not data:
                    return
                os.write(1, data)
            elif data:
                tunnel.sendall(data)
            else:
                tunnel.shutdown(socket.SHUT_WR)
                sources.remove(0)


def main() -> int:
    """Connect as the command line says; the exit code."""
    if len(sys.argv) != 3:
        print("Usage: connect.py HOST PORT (a node's ssh runs it)", file=sys.stderr)
        return 2
    _, host, port = sys.argv
    proxy_host, _, proxy_port = os.environ.get("HTTP_PROXY", "").removeprefix("http://").rpartition(":")
    try:
        if not proxy_host:
            raise ConnectionError("HTTP_PROXY names no proxy")
        path = proxy_port if proxy_host == "unix" else ""
        join(connect(path or (proxy_host, int(proxy_port)), host, port))
    except OSError as error:
        print(f"connect to host {host} port {port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
