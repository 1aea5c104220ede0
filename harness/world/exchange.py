"""One exchange on the network: who asks whom for what, and what is told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness.world import http1
from harness.world.askers import Asker
from harness.world.eventstream import EventSplitter, LineSplitter
from harness.world.topology import Node

TOLD_BODY_BYTES = http1.KEPT_BODY_BYTES  # docs/design.md, "What the world tells": a longer body is told as null
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_URL = re.compile(r"http://(?P<authority>[^/?#]+)(?P<path>[^#]*)", re.IGNORECASE)


class Stage(Protocol):
    """What the network needs of the stage that it belongs to.

    `control_node` is the name of the node where the operator sits, `operator_path` the Unix socket at which the
    operator asks. `hub` is the address and port of the model hub. `hosts` are the addresses of nodes and hub by their
    names, as programs know them that connect directly; none where these are not met."""

    nodes: dict[str, Node]
    control_node: str
    operator_path: Path
    hub: tuple[str, int] | None
    hosts: Mapping[str, str]

    def tell(self, event: str, **fields: Any) -> None:
        """Tell the harness of an event."""

    async def settled(self) -> None:
        """Wait until nobody on the stage works."""

    def hold(self) -> AbstractContextManager[None]:
        """A context in which the stage's clock stands."""


@dataclass(frozen=True)
class Destination:
    """Where a request wants to go. `path` has its query; it is empty for a tunnel (CONNECT)."""

    host: str
    port: int
    path: str

    @classmethod
    def of(cls, request: http1.Request) -> Destination:
        """The destination of a request to a forward proxy. Raises NotHttpError when it is for something else."""
        target, default_port, path = request.target, 0, ""
        if request.method != "CONNECT":
            url = _URL.fullmatch(request.target)
            if url is None:
                raise http1.NotHttpError(f"{request.method} {request.target} is no request for http://host:port/path")
            target, default_port, path = url["authority"], 80, url["path"]
            path = path if path.startswith("/") else f"/{path}"
        try:
            authority = urlsplit(f"//{target}")
            host, port = authority.hostname or "", authority.port or default_port
        except ValueError as error:
            raise http1.NotHttpError(f"{target} is no host:port: {error}") from None
        if not host or not port:
            raise http1.NotHttpError(f"{target} is no host:port")
        return cls(host, port, path)


@dataclass(eq=False)
class Exchange:
    """One request that has reached the network, on the `connection` of its asker.

    `asker` is the name of a node, or "operator"; `process` the one that asks, where it was found. Who asks `is_direct`
    does not know that he has reached the network, and not his destination. `size` counts the
    bytes of the answer's body that have passed; of a tunnel, those that have passed to the asker."""

    stage: Stage
    number: int
    asker: str
    process: Asker | None
    connection: http1.Connection
    request: http1.Request
    destination: Destination
    is_direct: bool = False
    size: int = 0
    is_answered: bool = False
    is_over: bool = False
    _body: bytes = b""
    _events: EventSplitter | None = None
    _lines: LineSplitter | None = None

    @property
    def is_tunnel(self) -> bool:
        """Whether the asker wants a tunnel, as SSH does."""
        return self.request.method == "CONNECT"

    def asked(self, node: str | None) -> None:
        """Tell that it has begun; `node` is the name of the node that is to answer, None when it is no node."""
        self._tell(
            "asked",
            asker=self.asker,
            program=self.process.program if self.process else None,
            pid=self.process.pid if self.process else None,
            host=self.destination.host,
            node=node,
            method=self.request.method,
            headers=http1.fields(self.request.headers),
            body=_text(self.request.body),
        )

    async def established(self) -> None:
        """Say to who asked for a tunnel that there is one. Raises GoneError."""
        if not self.is_direct:
            await self.connection.stream.send(ESTABLISHED)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Tell that the answer's head has passed; `headers` have lower-case names."""
        self.is_answered = True
        kind = headers.get("content-type", "").lower()
        if kind.startswith("text/event-stream"):
            self._events = EventSplitter()
        elif kind.startswith("text/plain") and "content-length" not in headers:
            self._lines = LineSplitter()
        self._tell("answered", status=status, headers=dict(headers))

    def passed(self, data: bytes) -> None:
        """Take note that `data` of the answer's body has passed, and tell of each event, of plain text that comes bit
        by bit each line, that is whole by that."""
        self.size += len(data)
        if self._events is not None:
            for event in self._events.feed(data):
                self._tell("passed", data=event)
            return
        if self.size <= TOLD_BODY_BYTES:
            self._body += data
        for line in self._lines.feed(data) if self._lines else []:
            self._tell("passed", data=line)

    def hit(self, fault: int, kind: str, **details: Any) -> None:
        """Tell that a fault has fired on this exchange."""
        self._tell("fault", fault=fault, kind=kind, host=self.destination.host, **details)

    def ended(self, how: str) -> None:
        """Tell how it ended: complete, cut, broken, left, refused or swallowed (docs/design.md). To be called when the
        asker can see it and no later, so that it is told before anything that the asker does next."""
        self.is_over = True
        whole = self._events is None and self.size == len(self._body)
        self._tell("ended", how=how, body=_text(self._body) if whole else None, size=self.size)

    async def break_off(self, how: str) -> None:
        """End it by a reset of the asker's connection, which comes exactly behind what has passed: the asker must have
        acknowledged that. The stage's clock stands meanwhile."""
        with self.stage.hold():
            await self.connection.stream.acknowledged()
            self.ended(how)
            self.connection.stream.reset()

    def _tell(self, event: str, **fields: Any) -> None:
        # Every event says where, so that a flow can end at, say, the third token of an inference and no other stream.
        where = {"port": self.destination.port, "path": self.destination.path}
        self.stage.tell(event, exchange=self.number, **where, **fields)


def _text(body: bytes) -> str | None:
    """A body as it is told; None when it is long or no text."""
    try:
        return body.decode() if len(body) <= TOLD_BODY_BYTES else None
    except UnicodeDecodeError:
        return None
