"""Requests and answers as they pass the network."""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading
from unittest.mock import ANY

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.world.network_stage import (
    ASKED_LIST,
    HIVE,
    LIMIT_S,
    STREAM_HEAD,
    NetworkStage,
    ask_hive,
    chunk,
    get,
    read_all,
    read_exactly,
    read_head,
)

ASKED_ROOT = {"exchange": 1, "port": 29200, "path": "/"}


def fields(head: bytes) -> dict[str, str]:
    """The headers of a message, by their lower-case names."""
    lines = head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


# The request


def test_a_request_passes_unchanged_but_for_what_concerns_the_proxy(stage: NetworkStage, hive: socket.socket) -> None:
    sent = [
        "Accept: */*",
        "Authorization: Bearer wrong_key",
        "X-Correlation-ID: 1",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "Connection: keep-alive, X-Hop",
        "Keep-Alive: timeout=5",
        "X-Hop: 1",
        "TE: trailers",
    ]

    stage.ask("blep", get(f"{HIVE}//v1/ready?a=%20&b", *sent))
    head = read_head(stage.accept(hive))

    assert head == (
        b"GET //v1/ready?a=%20&b HTTP/1.1\r\n"
        b"Host: workstation.home.arpa:29200\r\n"
        b"Accept: */*\r\n"
        b"Authorization: Bearer wrong_key\r\n"
        b"X-Correlation-ID: 1\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_a_request_is_told_whole(stage: NetworkStage, hive: socket.socket) -> None:
    body = json.dumps({"prompt": "schön"}, ensure_ascii=False).encode()
    head = f"POST {HIVE}/v1/workers/spawn?x=1 HTTP/1.1\r\nHost: workstation.home.arpa:29200\r\nContent-Type: text/plain"

    stage.ask("blep", f"{head}\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answerer = stage.accept(hive)
    read_head(answerer)

    assert read_exactly(answerer, len(body)) == body
    assert stage.told("asked") == [
        {
            "exchange": 1,
            "asker": "blep",
            "program": ANY,
            "pid": os.getpid(),
            "host": "workstation.home.arpa",
            "port": 29200,
            "node": "workstation",
            "method": "POST",
            "path": "/v1/workers/spawn?x=1",
            "headers": {
                "host": "workstation.home.arpa:29200",
                "content-type": "text/plain",
                "x-a": "1, 2",
                "content-length": str(len(body)),
            },
            "body": '{"prompt": "schön"}',
        }
    ]


def test_a_chunked_request_stays_chunked(stage: NetworkStage, hive: socket.socket) -> None:
    head = f"POST {HIVE}/ HTTP/1.1\r\nHost: workstation.home.arpa:29200\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

    stage.ask("blep", head + chunk(b"ab") + chunk(b"cd") + b"0\r\n\r\n")
    answerer = stage.accept(hive)

    assert fields(read_head(answerer))["transfer-encoding"] == "chunked"
    assert read_exactly(answerer, 14) == chunk(b"abcd") + b"0\r\n\r\n"


def test_a_body_keeps_its_length_whatever_the_connection_header_says(stage: NetworkStage, hive: socket.socket) -> None:
    head = f"POST {HIVE}/ HTTP/1.1\r\nHost: workstation\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\n"

    stage.ask("blep", head.encode() + b"hi")
    answerer = stage.accept(hive)

    assert fields(read_head(answerer))["content-length"] == "2"
    assert read_exactly(answerer, 2) == b"hi"


def test_an_asker_that_waits_for_100_continue_gets_it(stage: NetworkStage, hive: socket.socket) -> None:
    head = f"PUT {HIVE}/ HTTP/1.1\r\nHost: workstation\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"

    asker = stage.ask("blep", head.encode())
    interim = read_head(asker)
    asker.sendall(b"x")
    answerer = stage.accept(hive)

    assert interim.startswith(b"HTTP/1.1 100 ")
    assert "expect" not in fields(read_head(answerer))
    assert read_exactly(answerer, 1) == b"x"


@pytest.mark.parametrize(("body", "told"), [(b"a" * 65536, "a" * 65536), (b"a" * 65537, None), (b"\xff", None)])
def test_bodies_are_told_when_they_are_short_text(
    stage: NetworkStage, hive: socket.socket, body: bytes, told: str | None
) -> None:
    head = f"POST {HIVE}/ HTTP/1.1\r\nHost: workstation.home.arpa:29200\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    asker = stage.ask("blep", head + body)
    answerer = stage.accept(hive)
    read_head(answerer)
    read_exactly(answerer, len(body))
    answerer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    read_all(asker)

    assert stage.told("asked")[0]["body"] == told
    assert stage.await_event("ended") == ASKED_ROOT | {"how": "complete", "body": told, "size": len(body)}


# The answer


def test_an_answer_keeps_its_length(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    answerer.sendall(
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Content-Length: 4\r\n\r\nbusy"
    )
    answer = read_all(asker)

    assert answer == (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nX-A: 1\r\nContent-Length: 4\r\n"
        b"Connection: close\r\n\r\nbusy",
        False,
    )
    headers = {"content-type": "application/json", "x-a": "1", "keep-alive": "timeout=5", "content-length": "4"}
    assert stage.told("answered") == [ASKED_LIST | {"status": 503, "headers": headers}]
    assert stage.await_event("ended") == ASKED_LIST | {"how": "complete", "body": "busy", "size": 4}


def test_an_answer_stays_chunked(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    body = chunk(b"abc") + chunk(b"de") + b"0\r\n\r\n"
    answerer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)

    assert fields(read_head(asker)) == {"transfer-encoding": "chunked", "connection": "close"}
    assert read_all(asker) == (body, False)
    assert stage.await_event("ended")["body"] == "abcde"


def test_an_answer_that_ends_with_its_connection_stays_so(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    answerer.sendall(b"HTTP/1.0 200 OK\r\n\r\nabc")
    answerer.close()

    assert fields(read_head(asker)) == {"connection": "close"}
    assert read_all(asker) == (b"abc", False)
    assert stage.await_event("ended")["how"] == "complete"


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_ends_with_its_head(
    stage: NetworkStage, hive: socket.socket, method: str, head: bytes
) -> None:
    asker = stage.ask("blep", get(f"{HIVE}/").replace(b"GET", method.encode(), 1))
    answerer = stage.accept(hive)
    read_head(answerer)

    answerer.sendall(head)

    assert read_all(asker)[0].count(b"\r\n\r\n") == 1
    assert stage.await_event("ended") == ASKED_ROOT | {"how": "complete", "body": "", "size": 0}


def test_an_interim_answer_is_not_the_answer(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    answerer.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert read_all(asker)[0].startswith(b"HTTP/1.1 200 OK")
    assert [answered["status"] for answered in stage.told("answered")] == [200]


def test_an_old_asker_gets_no_chunks(stage: NetworkStage, hive: socket.socket) -> None:
    asker = stage.ask("blep", f"GET {HIVE}/ HTTP/1.0\r\n\r\n".encode())
    answerer = stage.accept(hive)
    head = read_head(answerer)

    answerer.sendall(STREAM_HEAD + chunk(b"data: a\n\n") + b"0\r\n\r\n")

    assert fields(head)["host"] == "workstation.home.arpa:29200"
    assert "transfer-encoding" not in fields(read_head(asker))
    assert read_all(asker) == (b"data: a\n\n", False)
    assert stage.told("passed") == [ASKED_ROOT | {"data": "a"}]


def test_a_large_body_passes_whole(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    body = bytes(range(256)) * 20480
    sending = threading.Thread(
        target=answerer.sendall, args=(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),)
    )
    sending.start()
    read_head(asker)
    passed = read_all(asker)
    sending.join(LIMIT_S)

    assert passed == (body, False)
    assert stage.await_event("ended") == ASKED_LIST | {"how": "complete", "body": None, "size": len(body)}


def test_requests_with_keep_alive_asks_again_and_again(stage: NetworkStage) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with (
        http.server.ThreadingHTTPServer((stage.nodes["blep"].address, 28080), Handler) as server,
        requests.Session() as session,
    ):
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        session.proxies = stage.proxies("blep")
        echoes = [
            session.post("http://localhost:28080/v2/tasks", json={"n": n}, timeout=LIMIT_S).json()["n"]
            for n in range(20)
        ]
        server.shutdown()

    assert echoes == list(range(20))
    assert [asked["body"] for asked in stage.told("asked")] == [f'{{"n": {n}}}' for n in range(20)]
    assert {ended["how"] for ended in stage.told("ended")} == {"complete"}


# Streams


def test_a_stream_passes_event_by_event(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)
    events = [*(f'{{"type":"token","t":"a","i":{i}}}' for i in range(20)), "[DONE]"]

    answerer.sendall(STREAM_HEAD)
    read_head(asker)
    for count, event in enumerate(events, start=1):
        written = chunk(f"data: {event}\n\n".encode())
        answerer.sendall(written)
        assert read_exactly(asker, len(written)) == written
        assert stage.await_event("passed", count) == ASKED_LIST | {"data": event}
    answerer.sendall(b"0\r\n\r\n")

    assert read_all(asker) == (b"0\r\n\r\n", False)
    ended = stage.await_event("ended")
    assert ended == ASKED_LIST | {"how": "complete", "body": None, "size": sum(len(e) + 8 for e in events)}
    assert [event["event"] for event in stage.events] == ["asked", "answered", *["passed"] * 21, "ended"]


def test_an_event_in_pieces_is_told_when_it_is_whole(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    answerer.sendall(STREAM_HEAD + chunk(b":\r\n\r\ndata: a") + chunk(b"b\r\n\r") + chunk(b"\ndata: c") + b"0\r\n\r\n")
    read_all(asker)

    assert stage.told("passed") == [ASKED_LIST | {"data": None}, ASKED_LIST | {"data": "ab"}]


# Ends before the end


LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.0 204 No Content\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Type: text/event-stream\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: transfer-encoding, content-length\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"\r\n",
    ]
)


def test_whatever_is_answered_the_exchange_ends(stage: NetworkStage, hive: socket.socket) -> None:
    ends: list[str] = []

    @settings(max_examples=100)
    @given(st.lists(LINES | st.binary(max_size=8)))
    def answer(lines: list[bytes]) -> None:
        asker, answerer = ask_hive(stage, hive)
        answerer.sendall(b"".join(lines))
        answerer.close()
        read_all(asker)
        asker.close()
        ends.append(stage.await_event("ended", len(ends) + 1)["how"])

    answer()

    assert set(ends) <= {"complete", "broken"}
    assert stage.told("ended")


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc",
        STREAM_HEAD + chunk(b"data: a\n\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"no HTTP at all\r\n\r\n",
    ],
)
def test_an_answer_that_breaks_off_reaches_the_asker_as_a_reset(
    stage: NetworkStage, hive: socket.socket, begun: bytes
) -> None:
    asker, answerer = ask_hive(stage, hive)

    answerer.sendall(begun)
    answerer.close()
    passed, was_reset = read_all(asker)

    assert was_reset
    assert not passed.endswith(b"0\r\n\r\n")
    assert stage.await_event("ended")["how"] == "broken"
    assert stage.hold_count == 1


def test_what_passed_before_an_answer_broke_off_arrives(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    answerer.sendall(STREAM_HEAD + b"".join(chunk(b"data: %d\n\n" % i) for i in range(12)))
    stage.await_event("passed", 12)
    answerer.close()
    passed, _ = read_all(asker)

    assert passed.count(b"data: ") == 12
    assert stage.await_event("ended")["size"] == sum(len(f"data: {i}\n\n") for i in range(12))


def test_an_asker_that_leaves_a_silent_stream_is_noticed(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)
    answerer.sendall(STREAM_HEAD + chunk(b"data: a\n\n"))
    stage.await_event("passed")

    asker.close()

    assert stage.await_event("ended") == ASKED_LIST | {"how": "left", "body": None, "size": 9}
    assert read_all(answerer)[0] == b""


def test_an_asker_that_leaves_before_the_answer_is_noticed(stage: NetworkStage, hive: socket.socket) -> None:
    asker, answerer = ask_hive(stage, hive)

    asker.close()

    assert stage.await_event("ended") == ASKED_LIST | {"how": "left", "body": "", "size": 0}
    assert read_all(answerer)[0] == b""


def test_an_asker_that_leaves_in_the_middle_of_a_large_body_is_noticed(
    stage: NetworkStage, hive: socket.socket
) -> None:
    asker, answerer = ask_hive(stage, hive)
    answerer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
    read_head(asker)
    asker.close()

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        answerer.sendall(bytes(99_999_999))

    assert stage.await_event("ended")["how"] == "left"
