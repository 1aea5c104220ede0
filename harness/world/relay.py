"""Passes a request on, and the answer back, piece by piece as it comes."""

from __future__ import annotations

import asyncio

import h11

from harness.world import http1
from harness.world.exchange import Exchange
from harness.world.faults import Cut, Faults
from harness.world.sockets import GoneError

# RFC 9110, 7.6.1: they concern one connection, not the request. `expect` is here because the network itself has said
# "100 Continue". How a body is delimited is passed on.
HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
    *(b"te", b"trailer", b"upgrade", b"expect"),
}
DELIMITING = {b"content-length", b"transfer-encoding"}


async def relay(exchange: Exchange, answerer: http1.Connection, faults: Faults) -> None:
    """Pass the exchange's request on to `answerer` and its answer back to the asker, unless the asker leaves. An answer
    that breaks off, or is no HTTP, reaches the asker as a reset, never as a well-formed end."""
    try:
        await _pass_on(exchange, answerer, faults)
    except GoneError as gone:
        if gone.stream is not exchange.connection.stream:
            await exchange.break_off("broken")
    except http1.NotHttpError:
        await exchange.break_off("broken")


async def _pass_on(exchange: Exchange, answerer: http1.Connection, faults: Faults) -> None:
    await answerer.send(*_onward(exchange))
    if exchange.request.is_whole:
        await _pass_back(exchange, answerer, faults)
    else:
        await _pass_both_ways(exchange, answerer, faults)


async def _pass_both_ways(exchange: Exchange, answerer: http1.Connection, faults: Faults) -> None:
    """Pass on the rest of a long request and, which may begin earlier, the answer."""
    asker = exchange.connection.stream
    answering = asyncio.ensure_future(_pass_back(exchange, answerer, faults))
    asking = asyncio.ensure_future(_pass_rest(exchange, answerer))
    try:
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            error = asking.exception()
            if isinstance(error, http1.NotHttpError):
                await _refuse(exchange, answering, error)
            elif asking.result():
                asker.watch(answering.cancel)
                await asyncio.wait({answering})
        if not answering.cancelled() and answering.done():
            answering.result()
    finally:
        asker.watch(None)
        for task in (asking, answering):
            task.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)


async def _pass_rest(exchange: Exchange, answerer: http1.Connection) -> bool:
    """Pass on what comes of a request, to its end or as long as it is taken; False when the asker leaves before.
    Raises NotHttpError when it goes on as something else."""
    try:
        while isinstance(part := await exchange.connection.event(), h11.Data):
            await answerer.send(part)
        await answerer.send(h11.EndOfMessage())
    except GoneError as gone:
        return gone.stream is not exchange.connection.stream
    return True


async def _refuse(exchange: Exchange, answering: asyncio.Future[None], error: http1.NotHttpError) -> None:
    """Say to the asker what is wrong with the rest of his request, unless an answer has begun."""
    answering.cancel()
    await asyncio.wait({answering})
    if not exchange.is_answered:
        await http1.refuse(exchange.connection, error, "The request had begun well.")


async def _pass_back(exchange: Exchange, answerer: http1.Connection, faults: Faults) -> None:
    answer = await answerer.event()
    while isinstance(answer, h11.InformationalResponse):
        answer = await answerer.event()
    assert isinstance(answer, h11.Response)
    cut = faults.next_cut(exchange.destination.host, exchange.destination.port)
    if cut is not None and cut.at_bytes == 0:
        await _cut(exchange, cut)
        return
    chunked = _is_chunked(exchange, answer)
    asker = exchange.connection.stream
    await asker.send(_head(answer, chunked))
    exchange.answered(answer.status_code, http1.fields(answer.headers))
    while isinstance(part := await answerer.event(), h11.Data):
        data = bytes(part.data) if cut is None else bytes(part.data[: cut.at_bytes - exchange.size])
        await asker.send(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        exchange.passed(data)
        if cut is not None and exchange.size == cut.at_bytes:
            await _cut(exchange, cut)
            return
    if chunked:
        await asker.send(b"0\r\n\r\n")
    exchange.ended("complete")


async def _cut(exchange: Exchange, cut: Cut) -> None:
    exchange.hit(cut.fault, "cut", at=cut.at_bytes)
    await exchange.break_off("cut")


def _onward(exchange: Exchange) -> tuple[h11.Event, ...]:
    """The request as the answering side gets it."""
    request, destination = exchange.request, exchange.destination
    headers = [item for item in _end_to_end(request.headers) if item[0].lower() != b"host"]
    host = destination.host if destination.port == 80 else f"{destination.host}:{destination.port}"
    headers = [(b"Host", host.encode()), *headers, (b"Connection", b"close")]
    head = h11.Request(method=request.method, target=destination.path, headers=headers)
    body = (h11.Data(data=request.body),) if request.body else ()
    return (head, *body, h11.EndOfMessage()) if request.is_whole else (head, *body)


def _is_chunked(exchange: Exchange, answer: h11.Response) -> bool:
    """Whether the answer's body passes in chunks: as it came, unless the asker is too old to know them."""
    has_body = exchange.request.method != "HEAD" and answer.status_code not in (204, 304)
    coding = http1.fields(answer.headers).get("transfer-encoding")
    return has_body and coding is not None and exchange.request.version != "1.0"


def _head(answer: h11.Response, chunked: bool) -> bytes:
    """The answer's head as the asker gets it. Written by hand: h11 would put every body of unknown length in chunks."""
    headers = [item for item in _end_to_end(answer.headers.raw_items()) if item[0].lower() != b"transfer-encoding"]
    if chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
    headers.append((b"Connection", b"close"))
    status_line = b"HTTP/1.1 %d %b\r\n" % (answer.status_code, answer.reason)
    return status_line + b"".join(b"%b: %b\r\n" % item for item in headers) + b"\r\n"


def _end_to_end(headers: http1.Headers) -> http1.Headers:
    """Those headers that concern more than one connection, and those that say where a body ends."""
    named = http1.fields(headers).get("connection", "").encode("latin-1").lower().split(b",")
    dropped = (HOP_BY_HOP | {name.strip() for name in named}) - DELIMITING
    return [(name, value) for name, value in headers if name.lower() not in dropped]
