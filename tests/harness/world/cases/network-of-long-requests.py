"""Sends a request of 300 MB through the network."""

import socket

from tests.harness.world.cases.served import PORT, ask

SIZE, PIECE = 300 << 20, bytes(1 << 20)


def body(asker: socket.socket) -> None:
    for _ in range(0, SIZE, len(PIECE)):
        asker.sendall(PIECE)


def answer(served: socket.socket) -> None:
    left = SIZE
    while left > 0:
        left -= len(served.recv(1 << 20))
    served.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


ask(b"POST http://localhost:%d/ HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (PORT, SIZE), body, answer)
