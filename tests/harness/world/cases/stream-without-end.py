"""Answers with an event stream that does not end."""
# said: more than 64 MB would have to be told of this stage: its programs were killed; told were \d+ times passed /

import socket

from tests.harness.world.cases.served import PORT, ask


def answer(served: socket.socket) -> None:
    served.recv(1 << 16)
    served.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    while True:
        served.sendall(b"data: again\n\n" * 1000)


ask(b"GET http://localhost:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % PORT, lambda asker: None, answer)
