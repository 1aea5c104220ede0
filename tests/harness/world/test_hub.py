"""The hub gives out published files, whole and by Range, as an ordinary HTTP client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.world.hub import Hub

MODEL = "/TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF/resolve/main/tinyllama-q4.gguf"
CONTENT = bytes(range(256)) * 4096  # 1 MiB: more than one piece
LIMIT_S = 30


class Running:
    """A hub with one published file, in a thread with an event loop of its own."""

    def __init__(self, directory: Path) -> None:
        (directory / "model.gguf").write_bytes(CONTENT)
        self.hub = Hub(directory)
        self.hub.publish(MODEL, Path("model.gguf"))
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.hub.open("127.0.0.1"), self.loop).result(LIMIT_S)

    def ask(self, method: str = "GET", path: str = MODEL, **headers: str) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.hub.close(), self.loop).result(LIMIT_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(LIMIT_S)
        self.loop.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("hub"))
    yield running
    running.close()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


def test_a_published_file_arrives_whole(running: Running) -> None:
    response, body = running.ask()

    assert response.status == 200
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert body == CONTENT


def test_head_tells_the_length_without_the_bytes(running: Running) -> None:
    response, body = running.ask("HEAD")

    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert response.headers["Accept-Ranges"] == "bytes"


def test_a_query_and_an_escaped_path_find_the_same_file(running: Running) -> None:
    response, _ = running.ask("HEAD", MODEL.replace("-GGUF", "%2DGGUF") + "?download=true")

    assert response.status == 200


def test_a_resumed_download_gets_the_missing_bytes_only(running: Running) -> None:
    response, body = running.ask(range="bytes=1000000-")

    assert response.status == 206
    assert response.headers["Content-Range"] == f"bytes 1000000-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert body == CONTENT[1_000_000:]


@given(first=st.integers(0, len(CONTENT) - 1), length=st.integers(1, 2 * len(CONTENT)))
def test_every_range_inside_the_file_is_exact(running: Running, first: int, length: int) -> None:
    response, body = running.ask(range=f"bytes={first}-{first + length - 1}")

    assert response.status == 206
    assert body == CONTENT[first : first + length]


def test_the_last_bytes_can_be_asked_for(running: Running) -> None:
    response, body = running.ask(range="bytes=-5")

    assert response.status == 206
    assert body == CONTENT[-5:]


@pytest.mark.parametrize("wanted", [f"bytes={len(CONTENT)}-", "bytes=-0", "bytes=7-6"])
def test_a_range_without_a_byte_of_the_file_is_416(running: Running, wanted: str) -> None:
    response, body = running.ask(range=wanted)

    assert (response.status, body) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize("wanted", ["lines=1-2", "bytes=1-2,4-5", "bytes=-", "bytes=x-", f"bytes={'9' * 5000}-"])
def test_a_range_that_the_hub_does_not_know_gets_the_whole_file(running: Running, wanted: str) -> None:
    response, body = running.ask(range=wanted)

    assert (response.status, len(body)) == (200, len(CONTENT))


def test_the_etag_is_the_sha256_of_the_file_also_where_a_part_is_sent(running: Running) -> None:
    whole, _ = running.ask()
    part, _ = running.ask(range="bytes=10-")

    assert whole.headers["ETag"] == f'"{sha256(CONTENT).hexdigest()}"'
    assert part.headers["ETag"] == whole.headers["ETag"]


def test_a_range_of_the_same_version_is_sent_and_of_another_is_not(running: Running) -> None:
    etag = running.ask("HEAD")[0].headers["ETag"]

    same, _ = running.ask(range="bytes=10-", if_range=etag)
    other, _ = running.ask(range="bytes=10-", if_range='"older"')

    assert (same.status, other.status) == (206, 200)


def test_an_unknown_path_is_404_and_says_what_there_is(running: Running) -> None:
    response, body = running.ask(path="/TheBloke/Nothing/resolve/main/x.gguf")

    assert response.status == 404
    assert body.decode() == f"The hub has no /TheBloke/Nothing/resolve/main/x.gguf. It has {MODEL}\n"


def test_a_published_file_that_is_gone_is_404(running: Running) -> None:
    running.hub.publish("/gone", Path("gone.gguf"))

    response, _ = running.ask(path="/gone")

    assert response.status == 404


def test_another_method_is_405(running: Running) -> None:
    response, body = running.ask("DELETE")

    assert response.status == 405
    assert b"not DELETE" in body


def test_the_last_publication_of_a_path_counts(running: Running, tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(b"other")
    running.hub.publish("/again", Path("model.gguf"))

    running.hub.publish("/again", tmp_path / "other.gguf")

    assert running.ask(path="/again")[1] == b"other"


def test_what_is_not_http_is_told_so(tmp_path: Path) -> None:
    async def talk() -> bytes:
        hub = Hub(tmp_path)
        async with connected(await hub.open("127.0.0.1")) as (reader, writer):
            writer.write(b"good evening\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), LIMIT_S)
        await hub.close()
        return answer

    answer = asyncio.run(talk())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"This is not HTTP" in answer


def test_closing_breaks_off_what_nobody_reads(tmp_path: Path) -> None:
    (tmp_path / "large.gguf").touch()
    with (tmp_path / "large.gguf").open("r+b") as file:
        file.truncate(2**26)

    async def leave_unread() -> int:
        hub = Hub(tmp_path)
        hub.publish("/large", Path("large.gguf"))
        async with connected(await hub.open("127.0.0.1")) as (reader, writer):
            writer.write(b"GET /large HTTP/1.1\r\nhost: hub\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)
            await asyncio.wait_for(hub.close(), LIMIT_S)
            rest = 0
            while data := await asyncio.wait_for(reader.read(2**20), LIMIT_S):
                rest += len(data)
            return rest

    assert asyncio.run(leave_unread()) < 2**26
