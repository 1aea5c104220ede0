"""The log of a node's hive, relayed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import flask
import pytest
import requests

from mocks.queen import logs
from tests.mocks.queen.conftest import LIMIT_S, Client, node
from tests.mocks.queen.fakes import HIVE_PORT, Service, swallowing


def lines(*pieces: bytes | threading.Event) -> flask.Response:
    """A log: pieces of text, and events that are waited for."""

    def written() -> Iterator[bytes]:
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                piece.wait(LIMIT_S)

    return flask.Response(written(), content_type="text/plain")


def test_log_comes_as_it_is(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    hive_up.answers["GET /v1/logs"] = lambda: lines(b"one\n", "zwei ü\n".encode())

    answer = client.get("/v2/logs?node=workstation")

    assert (answer.status_code, answer.content.decode()) == (200, "one\nzwei ü\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_line_comes_before_the_next_is_written(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    seen = threading.Event()
    hive_up.answers["GET /v1/logs"] = lambda: lines(b"one\n", seen, b"two\n")

    with client.get("/v2/logs?node=workstation&follow=true", stream=True) as answer:
        pieces = answer.iter_content(None)
        first = next(pieces)
        seen.set()

        assert [first, *pieces] == [b"one\n", b"two\n"]


def test_log_of_an_asker_who_hangs_up_is_left(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    never, left = threading.Event(), threading.Event()

    def written() -> Iterator[bytes]:
        # Not by call_on_close: the library's server forgets that when the connection is reset.
        try:
            yield from [b"one\n", *[b"more\n"] * 100]
            never.wait(LIMIT_S)
        finally:
            left.set()

    def endless() -> flask.Response:
        return flask.Response(written(), content_type="text/plain")

    hive_up.answers["GET /v1/logs"] = endless
    with client.get("/v2/logs?node=workstation&follow=true", stream=True) as answer:
        next(answer.iter_content(None))
    threads = [thread for thread in threading.enumerate() if thread.name == "asker"]
    for thread in threads:
        thread.join(LIMIT_S)
    never.set()

    assert left.wait(LIMIT_S)
    assert not [thread for thread in threads if thread.is_alive()]


def test_log_that_breaks_off_breaks_off_here_too(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))

    def broken() -> Iterator[bytes]:
        yield b"one\n"
        raise ConnectionAbortedError("as the test wants it")

    hive_up.answers["GET /v1/logs"] = lambda: flask.Response(broken(), content_type="text/plain")

    with client.get("/v2/logs?node=workstation", stream=True) as answer:
        pieces = answer.iter_content(None)

        assert next(pieces) == b"one\n"
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(pieces)


def test_key_of_the_asker_is_passed_on(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    hive_up.answers["GET /v1/logs"] = lambda: lines(b"one\n")

    client.get("/v2/logs?node=workstation", headers={"Authorization": "Bearer secret"})

    assert hive_up.keys == ["Bearer secret"]


def test_unknown_node_has_no_log(client: Client) -> None:
    answer = client.get("/v2/logs?node=nobody")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NODE_NOT_FOUND")


@pytest.mark.parametrize("query", ["", "&follow=true"])
def test_hive_that_is_not_there_is_an_error(client: Client, host: str, query: str) -> None:
    client.queen.registry.add(node(host))

    answer = client.get(f"/v2/logs?node=workstation{query}")

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "CONNECTION_TIMEOUT"
    assert answer.json()["error"]["message"] == f"Cannot connect to {host}:9200"


@pytest.mark.parametrize("query", ["", "&follow=true"])
def test_silent_hive_is_an_error(client: Client, host: str, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ANSWER_LIMIT_S", 0.2)
    client.queen.registry.add(node(host))

    with swallowing(host, HIVE_PORT):
        answer = client.get(f"/v2/logs?node=workstation{query}")

    assert answer.status_code == 503


def test_refusal_of_the_hive_is_passed_on(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    hive_up.answers["GET /v1/logs"] = {"error": {"code": "MISSING_API_KEY", "message": "Missing API key"}}, 401

    answer = client.get("/v2/logs?node=workstation")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "MISSING_API_KEY")


@pytest.mark.parametrize("query", ["", "node=n&follow=yes"])
def test_bad_query_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/v2/logs?{query}").status_code == 400
