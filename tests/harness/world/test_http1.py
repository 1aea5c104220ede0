"""HTTP/1.1 on a stream of the world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import h11
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.world import http1
from harness.world.sockets import GoneError, Listener, Stream, connect

LIMIT_S = 30.0


def said(sent: bytes, serve: Callable[[Stream], Awaitable[None]]) -> bytes:
    """What is said on a connection, served by `serve`, to somebody who sends `sent` and nothing more."""

    async def say() -> bytes:
        listener = Listener(serve)
        stream = await connect("127.0.0.1", await listener.open("127.0.0.1", 0))
        await stream.send(sent)
        stream.end()
        received = b""
        while data := await stream.receive():
            received += data
        await stream.close()
        await listener.close()
        return received

    return asyncio.run(asyncio.wait_for(say(), LIMIT_S))


def request_in(sent: bytes) -> http1.Request | Exception:
    """The request that is read from `sent`, or the error that is raised instead."""
    read: list[http1.Request | Exception] = []

    async def serve(stream: Stream) -> None:
        try:
            read.append(await http1.read_request(http1.Connection(stream, h11.SERVER)))
        except (http1.NotHttpError, GoneError) as error:
            read.append(error)

    said(sent, serve)
    return read[0]


def test_a_request_is_read_as_it_was_sent() -> None:
    sent = b"POST http://a:1/b?c HTTP/1.1\r\nHost: a:1\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi"

    request = request_in(sent)

    headers = [(b"Host", b"a:1"), (b"X-A", b"1"), (b"Content-Length", b"2")]
    assert request == http1.Request("POST", "http://a:1/b?c", "1.1", headers, b"hi", is_whole=True)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", GoneError),
        (b"GET / HT", http1.NotHttpError),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh", http1.NotHttpError),
        (b"\x16\x03\x01\x02\x00", http1.NotHttpError),
        (b"GET / HTTP/1.1\r\n\r\n", http1.NotHttpError),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", http1.NotHttpError),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * http1.HEAD_LIMIT_BYTES, http1.NotHttpError),
    ],
)
def test_what_is_no_whole_request_is_an_error(sent: bytes, error: type[Exception]) -> None:
    assert isinstance(request_in(sent), error)


LINES = st.lists(
    st.sampled_from(
        [
            b"GET http://a/ HTTP/1.1\r\n",
            b"CONNECT a:1 HTTP/1.0\r\n",
            b"Host: a\r\n",
            b"Content-Length: 1\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Expect: 100-continue\r\n",
            b"Upgrade: x\r\n",
            b"\r\n",
            b"1\r\n",
            b"0\r\n\r\n",
            b"\x00",
        ]
    )
    | st.binary(max_size=8)
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
def test_whatever_is_sent_is_a_request_or_an_error_that_is_known(lines: list[bytes]) -> None:
    assert isinstance(request_in(b"".join(lines)), http1.Request | http1.NotHttpError | GoneError)


def test_an_answer_is_a_line_of_text() -> None:
    async def serve(stream: Stream) -> None:
        await http1.answer(http1.Connection(stream, h11.SERVER), HTTPStatus.NOT_FOUND, "No 模型 here")

    head, body = said(b"", serve).split(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"connection: close" in head
    assert b"content-length: %d" % len(body) in head
    assert body.decode() == "No 模型 here\n"


def test_headers_by_their_lower_case_names() -> None:
    headers = [(b"Host", b"a"), (b"X-A", b"1"), (b"x-a", b"2"), (b"X-B", b"\xe9")]

    assert http1.fields(headers) == {"host": "a", "x-a": "1, 2", "x-b": "é"}
