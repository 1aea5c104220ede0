"""The model hub: an HTTP server of the world that gives out published files, whole or by Range (RFC 9110)."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import h11

from harness.world.http1 import Connection, NotHttpError, Request, answer, fields, read_request, refuse
from harness.world.sockets import GoneError, Listener, Stream

PIECE_BYTES = 256 * 1024
# From a byte on, up to a byte, or the last so many; figures of a size that a file can have.
RANGE = re.compile("bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


class UnsatisfiableError(Exception):
    """The range that is asked for holds no byte of the file."""


@dataclass(frozen=True)
class Part:
    """Which bytes of a file are sent: `first` to `end`, the latter not included. `whole`: nobody asked for less."""

    first: int
    end: int
    whole: bool


class Hub:
    """Serves files by GET and HEAD. Which file stands at which address is said by `publish`.

    An answer's ETag is the SHA-256 of the whole file, as that of a real hub is: who has the bytes can compare them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[str, Path] = {}
        self._listener = Listener(self._serve)

    def publish(self, path: str, file: Path) -> None:
        """Give out `file` at `path`, from now on and instead of what was there. A relative `file` lies in the hub's
        directory."""
        self._files[path] = self._directory / file

    async def open(self, address: str) -> int:
        """Listen at a free port of `address`, an IP address; returns the port. Raises OSError when it cannot."""
        return await self._listener.open(address, 0)

    async def close(self) -> None:
        """Listen no more, and break off what is being sent."""
        await self._listener.close()

    async def _serve(self, stream: Stream) -> None:
        """Answer the one request of a connection."""
        connection = Connection(stream, h11.SERVER)
        try:
            await self._answer(connection, await read_request(connection))
        except NotHttpError as error:
            await refuse(connection, error, "This is not HTTP: the model hub knows GET and HEAD.")
        except GoneError:
            pass  # an asker may leave whenever it wants: a download that is given up, or cut

    async def _answer(self, connection: Connection, request: Request) -> None:
        path = unquote(urlsplit(request.target).path)
        if request.method not in ("GET", "HEAD"):
            await answer(connection, HTTPStatus.METHOD_NOT_ALLOWED, f"The hub knows GET and HEAD, not {request.method}")
            return
        try:
            file = self._files[path].open("rb")
        except (KeyError, OSError):
            known = ", ".join(sorted(self._files)) or "nothing"
            await answer(connection, HTTPStatus.NOT_FOUND, f"The hub has no {path}. It has {known}")
            return
        with file:
            await _send(connection, request, file)


async def _send(connection: Connection, request: Request, file: BinaryIO) -> None:
    """Answer with `file`, or with the part of it that is asked for."""
    stat = os.fstat(file.fileno())
    etag = f'"{_digest(Path(file.name), stat.st_mtime_ns, stat.st_size)}"'
    try:
        part = _part(request, etag, stat.st_size)
    except UnsatisfiableError:
        headers = [("content-range", f"bytes */{stat.st_size}"), ("content-length", "0")]
        await connection.send(_head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers), h11.EndOfMessage())
        return
    headers = [
        ("content-type", "application/octet-stream"),
        ("content-length", str(part.end - part.first)),
        ("accept-ranges", "bytes"),
        ("etag", etag),
    ]
    if not part.whole:
        headers.append(("content-range", f"bytes {part.first}-{part.end - 1}/{stat.st_size}"))
    await connection.send(_head(HTTPStatus.OK if part.whole else HTTPStatus.PARTIAL_CONTENT, headers))
    if request.method == "GET":
        file.seek(part.first)
        for start in range(part.first, part.end, PIECE_BYTES):
            await connection.send(h11.Data(data=file.read(min(PIECE_BYTES, part.end - start))))
    await connection.send(h11.EndOfMessage())


@functools.lru_cache
def _digest(path: Path, changed_ns: int, size: int) -> str:  # noqa: ARG001
    """The SHA-256 of a file in its present version; read once, however often it is given out."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _head(status: HTTPStatus, headers: list[tuple[str, str]]) -> h11.Response:
    return h11.Response(status_code=status, reason=status.phrase, headers=[*headers, ("connection", "close")])


def _part(request: Request, etag: str, size: int) -> Part:
    """The part of a file of `size` bytes that `request` asks for: one range of bytes, or the whole file.

    A range of another version of the file (If-Range), in another unit or of several pieces gets the whole file, as the
    standard allows. Raises UnsatisfiableError for a range without a byte of the file."""
    headers = fields(request.headers)
    wanted = RANGE.fullmatch(headers.get("range", ""))
    if request.method != "GET" or not wanted or headers.get("if-range", etag) != etag:
        return Part(0, size, whole=True)
    first, last, length = wanted.groups()
    if length:
        part = Part(max(0, size - int(length)), size, whole=False)
    else:
        part = Part(int(first), min(size, int(last) + 1) if last else size, whole=False)
    if part.first >= part.end:
        raise UnsatisfiableError
    return part
