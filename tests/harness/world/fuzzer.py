"""A program that writes at random to whatever sockets, pages and streams its stage has: `fuzzer.py SEED`."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import threading
from collections.abc import Callable

ACTIONS = 150
HELD = 40  # of what was opened, so many stay open
LIMIT_S = 0.2  # of each answer that is waited for
CLOCK = os.environ["RBEE_CLOCK"]
PAGE = f"{CLOCK.removesuffix('.sock')}.page"
PORT = 29300
GET = b"GET http://localhost:29300/v1/x HTTP/1.1\r\nHost: a\r\n"
SAID = (
    GET + b"\r\n",
    GET + b"Content-Length: 300000\r\n\r\n" + bytes(300_000),
    GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    GET.replace(b"localhost:29300", b"hub.home.arpa") + b"Range: bytes=1-2\r\n\r\n",
    b"CONNECT workstation.home.arpa:22 HTTP/1.1\r\nHost: a\r\n\r\nSSH-2.0-x\r\n" + bytes(100),
)
ANSWERED = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n: b\n\ndata: c",
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
)
ASKED = b"1\0" + os.fsencode(os.path.abspath("../bin/rbee-keeper")) + b"\0/\0PATH=/bin"


class Fuzzer:
    """One series of random actions."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.held: list[socket.socket] = []
        host, port = os.environ["HTTP_PROXY"].removeprefix("http://").split(":")
        self.proxy = host, int(port)
        self.listener = socket.create_server((os.environ.get("RBEE_BIND_HOST", "0.0.0.0"), PORT))
        threading.Thread(target=self.serve, daemon=True).start()

    def run(self) -> None:
        """Act ACTIONS times."""
        acts: tuple[Callable[[], None], ...] = (self.page, self.clock, self.launcher, self.network, self.output)
        for _ in range(ACTIONS):
            with contextlib.suppress(OSError):
                self.dice.choice(acts)()
            while len(self.held) > HELD:
                self.held.pop(self.dice.randrange(len(self.held))).close()

    def spoiled(self, data: bytes) -> bytes:
        """The data, or something like it."""
        spoiled = bytearray(data)
        for _ in range(self.dice.randrange(4)):
            at = self.dice.randrange(len(spoiled) + 1)
            spoiled[at : at + self.dice.randrange(3)] = self.dice.randbytes(self.dice.randrange(4))
        return bytes(spoiled[: self.dice.choice((len(spoiled), self.dice.randrange(len(spoiled) + 1)))])

    def page(self) -> None:
        """Write on the clock's page, or cut it off, or stretch it."""
        if self.dice.random() < 0.2:
            os.truncate(PAGE, self.dice.choice((0, 1, 100, 4096, 1 << 15, 1 << 20)))
        with open(PAGE, "r+b") as file:
            file.seek(self.dice.randrange(1 << 12))
            file.write(self.dice.randbytes(self.dice.randrange(1000)))

    def clock(self) -> None:
        """Come to the clock, and perhaps say something."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.held.append(line)
        line.settimeout(LIMIT_S)
        line.connect(CLOCK)
        if self.dice.random() < 0.5:
            line.send(self.dice.randbytes(self.dice.randrange(1, 100)))

    def launcher(self) -> None:
        """Ask for a fork."""
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.held.append(asked)
        asked.settimeout(LIMIT_S)
        asked.connect(os.environ["RBEE_LAUNCHER"])
        null = os.open(os.devnull, os.O_RDWR)
        try:
            socket.send_fds(asked, [self.spoiled(ASKED)], [null] * self.dice.randrange(5))
        finally:
            os.close(null)
        if self.dice.random() < 0.7:
            asked.recv(64)

    def network(self) -> None:
        """Ask over the network."""
        asker = socket.create_connection(self.proxy, LIMIT_S)
        self.held.append(asker)
        asker.sendall(self.spoiled(self.dice.choice(SAID)))
        if self.dice.random() < 0.5:
            asker.recv(1 << 16)

    def serve(self) -> None:
        """Answer what is asked over the network."""
        while True:
            served, _ = self.listener.accept()
            with contextlib.suppress(OSError), served:
                served.settimeout(LIMIT_S)
                served.recv(1 << 16)
                served.sendall(self.spoiled(random.choice(ANSWERED)))

    def output(self) -> None:
        """Print."""
        os.write(self.dice.choice((1, 2)), self.dice.randbytes(self.dice.randrange(1 << 14)))


if __name__ == "__main__":
    Fuzzer(int(sys.argv[1])).run()
