"""What a daemon answers to what is no HTTP, and what becomes of it when the machine runs short."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
from collections.abc import Iterator

import psutil
import pytest

from mocks.common import serve
from mocks.common.connection import BODY_LIMIT, TOO_LONG
from tests.mocks.common.test_serve import LIMIT_S, Daemon

POST = b"POST /v1/echo HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    made = Daemon()
    yield made
    made.end()


def answers(daemon: Daemon, sent: bytes, *, hang_up: bool = True) -> bytes:
    """All that the daemon answers to these bytes; with `hang_up` the asker has no more to say."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=LIMIT_S) as asker:
        asker.sendall(sent)
        if hang_up:
            asker.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: asker.recv(65536), b""))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", 400),
        (CHUNKED + b"5", 400),
        (CHUNKED + b"5\r\nhel", 400),
        (CHUNKED + b"fffffffffffffff\r\nhello", 400),
        (CHUNKED + b"5" + b" ;" + b"x" * 100_000, 431),
        (POST + "Content-Length: ²\r\n\r\nhello".encode("latin-1"), 400),
        (POST + b"Content-Length: +17\r\n\r\nhello", 400),
        (POST + b"Content-Length: -17\r\n\r\nhello", 400),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (POST + b"Content-Length: 17\r\n\r\nhello", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"no colon\r\n\r\n", 400),
        (POST + b"X: " + b"x" * 300_000 + b"\r\n\r\n", 431),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET ftp://x/health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET /health\r\n\r\n", 400),
        (b"GET /he\0alth HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 100, 400),
        (b"GET /health HTTP/1.1\r\nHo", 400),
    ],
)
def test_what_is_no_http_gets_the_answer_that_http_has(daemon: Daemon, sent: bytes, expected: int) -> None:
    answer = answers(daemon, sent)

    assert (status(answer), b"\r\nconnection: close\r\n" in answer.lower()) == (expected, True)


@pytest.mark.parametrize(
    "sent",
    [
        CHUNKED + b'5;name=value;other="a b"\r\nhello\r\n0;last\r\n\r\n',
        CHUNKED + b"0005\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
        CHUNKED + b"1\r\nh\r\n4\r\nello\r\n000\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"POST http://x:8080/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_what_is_http_is_answered(daemon: Daemon, sent: bytes) -> None:
    answer = answers(daemon, sent)

    assert (status(answer), answer.endswith(b"hello")) == (200, True)


def test_requests_that_come_at_once_are_answered_one_after_the_other(daemon: Daemon) -> None:
    answer = answers(daemon, (POST + b"Content-Length: 2\r\n\r\nno") + (POST + b"Content-Length: 3\r\n\r\nyes"))

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"yes")


@pytest.mark.parametrize(
    "sent",
    [
        POST + f"Content-Length: {BODY_LIMIT + 1}\r\n\r\n".encode(),
        POST + f"Content-Length: {BODY_LIMIT + 1}\r\n\r\n".encode() + b"x" * (BODY_LIMIT + 1),
        POST + f"Content-Length: {BODY_LIMIT + 1}\r\nExpect: 100-continue\r\n\r\n".encode(),
        CHUNKED + (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * (BODY_LIMIT // 0x10000 + 1),
        CHUNKED + b"fffffffffffffff\r\n" + b"x" * (BODY_LIMIT + 1),
    ],
)
def test_a_body_over_the_limit_is_413_however_it_comes(daemon: Daemon, sent: bytes) -> None:
    answer = answers(daemon, sent, hang_up=False)

    assert (status(answer), answer.endswith(TOO_LONG.encode())) == (413, True)


def test_a_body_that_reaches_the_limit_is_read(daemon: Daemon) -> None:
    answer = answers(daemon, POST + f"Content-Length: {BODY_LIMIT}\r\n\r\n".encode() + b"x" * BODY_LIMIT)

    assert (status(answer), len(answer) > BODY_LIMIT) == (200, True)


def test_a_body_in_millions_of_chunks_costs_no_more_than_the_limit(daemon: Daemon) -> None:
    process = psutil.Process(daemon.process.pid)
    before = process.memory_info().rss

    answers(daemon, CHUNKED + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n")

    assert process.memory_info().rss - before < 16 * BODY_LIMIT


@contextlib.contextmanager
def short(daemon: Daemon, kind: int, limit: int) -> Iterator[None]:
    """While the block runs, the daemon has a limit on a resource that it has reached already."""
    usual = resource.prlimit(daemon.process.pid, kind)
    resource.prlimit(daemon.process.pid, kind, (limit, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(daemon.process.pid, kind, usual)


def test_a_daemon_that_ran_out_of_descriptors_goes_on(daemon: Daemon) -> None:
    waiting = [socket.create_connection(("127.0.0.1", daemon.port), timeout=LIMIT_S) for _ in range(3)]
    with contextlib.ExitStack() as stack:
        for asker in waiting:
            stack.enter_context(asker)
            asker.sendall(POST + b"Content-Length: 2\r\n\r\nok")
            asker.recv(65536)
        with short(daemon, resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{daemon.process.pid}/fd"))):
            late = stack.enter_context(socket.create_connection(("127.0.0.1", daemon.port), timeout=LIMIT_S))
            late.sendall(POST + b"Content-Length: 4\r\n\r\nlate")
            while "callers have to wait" not in daemon.line():
                pass
        answer = late.recv(65536)

    assert answer.endswith(b"late")
    assert daemon.ask("GET", "/health")[0] == 200


def test_a_daemon_that_ran_out_of_threads_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "connection":
            tries.append(1)
            if len(tries) < 3:
                raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=serve.Server(listener, serve.application("short")).accept)
        accepting.start()
        with socket.create_connection(listener.getsockname(), timeout=LIMIT_S) as asker:
            asker.sendall(b"GET /unknown HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = asker.recv(65536)
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(LIMIT_S)

    assert (status(answer), len(tries), accepting.is_alive()) == (404, 3, False)
