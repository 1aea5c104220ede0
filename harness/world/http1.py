"""HTTP/1.1 on a stream of the world, understood by h11. Shared by the network and the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import h11

from harness.world.sockets import GoneError, Stream

HEAD_LIMIT_BYTES = 64 * 1024
LINGER_S = 2.0  # real seconds
KEPT_BODY_BYTES = 64 * 1024  # of a request, at least; of one that is longer the rest is passed on as it comes

Headers = Sequence[tuple[bytes, bytes]]


class NotHttpError(Exception):
    """What arrived is not the HTTP that was due; the text says why, and `status` what HTTP answers to that."""

    def __init__(self, why: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(why)
        self.status = status


class Connection:
    """One message each way on `stream`. `role` is ours: h11.SERVER answers, h11.CLIENT asks."""

    def __init__(self, stream: Stream, role: type[h11.CLIENT] | type[h11.SERVER]) -> None:
        self.stream = stream
        self._state = h11.Connection(role, max_incomplete_event_size=HEAD_LIMIT_BYTES)
        self._at_end = False

    async def event(self) -> h11.Event:
        """The next part of the other side's message. Raises NotHttpError, and GoneError when it ends too early: an
        answer anywhere, a request before it has begun."""
        while True:
            try:
                event = self._state.next_event()
            except h11.RemoteProtocolError as error:
                if self._at_end and self._state.our_role is h11.CLIENT:
                    raise GoneError(self.stream) from None
                raise NotHttpError(str(error), HTTPStatus(error.error_status_hint)) from None
            if isinstance(event, h11.ConnectionClosed):
                raise GoneError(self.stream)
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise NotHttpError("it goes on in another protocol")
            if self._state.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            data = await self.stream.receive()
            self._at_end = not data
            self._state.receive_data(data)

    async def body(self) -> tuple[bytes, bool]:
        """The other side's body up to its end, or a little more than KEPT_BODY_BYTES of it; and whether it has ended.
        Raises like `event`."""
        parts: list[bytes] = []
        size = 0
        while size <= KEPT_BODY_BYTES:
            event = await self.event()
            if not isinstance(event, h11.Data):
                return b"".join(parts), True
            parts.append(bytes(event.data))
            size += len(event.data)
        return b"".join(parts), False

    async def send(self, *events: h11.Event) -> None:
        """Send parts of our message in one write. Raises GoneError when the other side does not take them, or when
        there is no way to say them."""
        try:
            data = b"".join(self._state.send(event) or b"" for event in events)
        except h11.LocalProtocolError:
            raise GoneError(self.stream) from None
        await self.stream.send(data)

    @property
    def beyond(self) -> bytes:
        """What was received behind the other side's message."""
        return bytes(self._state.trailing_data[0])


@dataclass(frozen=True)
class Request:
    """A request as it was sent. `target` is a path with its query, a URL, or host:port for CONNECT. More of the body is
    on its way unless it `is_whole`."""

    method: str
    target: str
    version: str
    headers: Headers
    body: bytes
    is_whole: bool


async def read_request(connection: Connection) -> Request:
    """The request on `connection`; a long body is not read to its end. Raises NotHttpError, and GoneError when the
    asker leaves too early."""
    head = await connection.event()
    assert isinstance(head, h11.Request)
    body, is_whole = await connection.body()
    version, headers = head.http_version.decode(), head.headers.raw_items()
    if version not in ("1.0", "1.1"):
        raise NotHttpError(f"this is HTTP/1.1, not HTTP/{version}", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    return Request(head.method.decode(), head.target.decode(), version, headers, body, is_whole)


async def answer(connection: Connection, status: HTTPStatus, text: str) -> None:
    """Answer with a line of plain text, as the last message on the connection. Raises GoneError."""
    body = f"{text}\n".encode()
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), "connection": "close"}
    head = h11.Response(status_code=status, headers=list(headers.items()), reason=status.phrase.encode())
    await connection.send(head, h11.Data(data=body), h11.EndOfMessage())


async def refuse(connection: Connection, error: NotHttpError, advice: str) -> None:
    """Answer what is no request, as the last message on the connection, and read on until the asker has taken that: a
    connection that is closed on unread bytes takes the answer back."""
    with suppress(GoneError, TimeoutError):
        await answer(connection, error.status, f"{error}. {advice}")
        connection.stream.end()
        async with asyncio.timeout(LINGER_S):
            await connection.stream.gone()


def fields(headers: Headers) -> dict[str, str]:
    """Headers by their lower-case names; the values of a repeated one are joined with a comma."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return joined
