"""Requests as bytes, and what comes back for them."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.mocks.hostile.values import texts, values

LIMIT_S = 20.0
STREAM_BYTES = 200  # of a stream: then the asker vanishes


@dataclass(frozen=True)
class Route:
    """A route: its fields with values that fit them, as JSON; those of a query are texts."""

    method: str
    path: str
    body: dict[str, list[str]] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """An answer, as much of it as was read."""

    status: int
    text: str

    @property
    def document(self) -> Any:
        """The JSON that it is; None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass(frozen=True)
class Sent:
    """What is sent. After what is not `whole` the asker has no more to say."""

    data: bytes
    whole: bool


def ask(address: tuple[str, int], sent: Sent) -> Answer:
    """Send a request and read what comes; of a stream its beginning. Raises AssertionError when that is no answer."""
    with socket.create_connection(address, timeout=LIMIT_S) as asker:
        with contextlib.suppress(OSError):  # an answer may be there though not all was taken
            asker.sendall(sent.data)
            if not sent.whole:
                asker.shutdown(socket.SHUT_WR)
        response = HTTPResponse(asker)
        try:
            response.begin()
            stream = response.getheader("content-length") is None
            if stream and not sent.whole:
                return Answer(response.status, "")  # who has no more to say is held for gone, and a stream breaks off
            text = response.read1(STREAM_BYTES) if stream else response.read()
        except (HTTPException, OSError) as failure:
            raise AssertionError(f"no answer: {failure!r}") from failure
        finally:
            response.close()
        return Answer(response.status, text.decode())


@st.composite
def bodies(draw: st.DrawFn, route: Route) -> bytes:
    """A body for `route`: an object with its fields, some missing, some twice, some with values that do not fit."""
    if not draw(st.integers(0, 9)):
        return draw(values.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=60))
    members = []
    for name, fitting in route.body.items():
        how = draw(st.integers(0, 19))
        if how == 0:
            continue
        good = draw(st.sampled_from(fitting))
        members.append((name, draw(values) if how in (1, 2, 3) else good))
        if how == 4:
            members.append((name, draw(values)))
    if not draw(st.integers(0, 4)):
        members.append((draw(texts), draw(values)))
    text = ", ".join(f"{json.dumps(name)}: {value}" for name, value in members)
    return f"{{{text}}}".encode(errors="surrogatepass")


@st.composite
def requests_to(draw: st.DrawFn, routes: list[Route]) -> Sent:
    """A request to one of `routes`: most are good HTTP with values that may be anything."""
    route = draw(st.sampled_from(routes))
    odd = draw(st.integers(0, 9))
    path = route.path.replace("<>", quote(draw(texts).encode(errors="replace"), safe=""))
    pairs = [
        (name, draw(st.sampled_from(good) | texts)) for name, good in route.query.items() if draw(st.integers(0, 9))
    ]
    if pairs and not draw(st.integers(0, 9)):
        pairs.append(pairs[0])
    if pairs:
        path += "?" + "&".join(f"{name}={quote(value.encode(errors='replace'))}" for name, value in pairs)
    if odd == 0:
        path = draw(st.sampled_from([path + "/", "/", "*", "http://[", "//x", "/%ff%00", "/../x", path + "%", "x"]))
    methods = ["GET", "PUT", "DELETE", "OPTIONS", "BREW", "CONNECT"]
    method = draw(st.sampled_from(methods)) if odd == 1 else route.method
    body = draw(bodies(route)) if route.body or odd == 2 else b""
    kind = draw(st.sampled_from(["text/plain", "application/x+json", ""])) if odd == 3 else "application/json"
    headers = [
        f"{method} {path} HTTP/1.1",
        f"Content-Type: {kind}",
        *draw(st.lists(st.sampled_from(HEADERS), max_size=2)),
    ]
    framing, content = draw(framed(body, broken=odd == 4))
    head = "\r\n".join([*headers, framing, "Host: x", "Connection: close", "", ""])
    return Sent(head.encode("latin-1") + content, whole=odd != 4)


HEADERS = [
    *("Authorization: Bearer wrong", "Authorization: Basic eA==", "Authorization: \xff\xfe", "Authorization:"),
    *("X-Correlation-ID: é", f"X-Correlation-ID: {'a' * 3000}", "X-Rbee-Version: 9.9\xff", "X-Rbee-Version: "),
    *("Accept: */*", "Expect: 100-continue", "Range: bytes=0-", "X_Under: score", "Connection: keep-alive, Upgrade"),
    *("Upgrade: h2c", "Cookie: a=b; \xe9", "Content-Encoding: gzip", "Accept-Encoding: gzip", "If-Match: *"),
]
BROKEN = [
    *(
        "Content-Length: ²",
        "Content-Length: +17",
        "Content-Length: -17",
        f"Content-Length: {'9' * 30}",
        "Bad Header: x",
    ),
    *("Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: gzip", "Content-Length: 3000000", "\tfolded"),
]
BAD_CHUNKS = [b"-5\r\n", b"zz\r\n", b"fffffffffffffff\r\nx", b"5\r\nhelloXX", b"\r\n", b"5;" + b"e" * 70_000]


@st.composite
def framed(draw: st.DrawFn, body: bytes, *, broken: bool) -> tuple[str, bytes]:
    """How the length of `body` is said, and the body as it is sent."""
    if broken and draw(st.booleans()):
        return draw(st.sampled_from(BROKEN)), body
    if draw(st.integers(0, 4)):
        return f"Content-Length: {len(body)}", body
    cut = draw(st.integers(1, 50))
    pieces = [body[start : start + cut] for start in range(0, min(len(body), 2000), cut)]
    pieces += [body[2000:]] if len(body) > 2000 else []
    extension = draw(st.sampled_from([b"", b";a=b", b"; x"]))
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return "Transfer-Encoding: chunked", chunks + (draw(st.sampled_from(BAD_CHUNKS)) if broken else b"0\r\n\r\n")
