"""Answers with an event stream in which there is one event, of 200 MB."""

import socket

from tests.harness.world.cases.served import PORT, ask

PIECE = b"x" * (1 << 20)


def answer(served: socket.socket) -> None:
    served.recv(1 << 16)
    served.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ")
    for _ in range(200):
        served.sendall(PIECE)


ask(b"GET http://localhost:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % PORT, lambda asker: None, answer)
