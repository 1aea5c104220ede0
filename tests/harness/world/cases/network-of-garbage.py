"""Says to the network what is no HTTP: garbage, heads without end, bodies that lie about their length."""

import contextlib
import os
import socket

host, port = os.environ["HTTP_PROXY"].removeprefix("http://").split(":")
GET = b"GET http://workstation.home.arpa:9200/ HTTP/1.1\r\n"
SAID = (
    os.urandom(100_000),
    b"\r\n" * 1000,
    GET + b"A: b\r\n" * 100_000,
    GET + b"Host: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    GET + b"Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"CONNECT workstation.home.arpa:22 HTTP/1.1\r\nHost: a\r\n\r\n" + os.urandom(10_000),
    b"CONNECT workstation.home.arpa:99999 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://hub.home.arpa/%00%ff/../.. HTTP/1.1\r\nHost: a\r\nRange: bytes=9-1\r\n\r\n",
)
for said in SAID:
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 10) as asker:
        asker.sendall(said)
        asker.shutdown(socket.SHUT_WR)
        while asker.recv(65536):
            pass
