"""The network of a stage: who asks, whom a name means, and what becomes of the connections."""

from __future__ import annotations

import errno
import queue
import socket

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.world.topology import PROXY_PORT
from tests.harness.world.network_stage import LIMIT_S, NetworkStage, get, read_all, read_exactly, read_head

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer_once(stage: NetworkStage, listening: socket.socket) -> bytes:
    """Answer the next request there; its head."""
    connection = stage.accept(listening)
    head = read_head(connection)
    connection.sendall(OK)
    connection.close()
    return head


@pytest.mark.parametrize(
    ("asker", "url", "node"),
    [
        ("blep", "http://localhost:28080/health", "blep"),
        ("blep", "http://127.0.0.1:28080/health", "blep"),
        ("workstation", "http://localhost:28080/health", "workstation"),
        ("blep", "http://workstation.home.arpa:28080/health", "workstation"),
        ("blep", "http://WorkStation.Home.Arpa:28080/health", "workstation"),
        ("operator", "http://localhost:28080/health", "blep"),
        ("operator", "http://workstation.home.arpa:28080/health", "workstation"),
    ],
)
def test_names_mean_what_they_mean_to_the_asker(stage: NetworkStage, asker: str, url: str, node: str) -> None:
    listening = stage.listen(node, 28080)

    connection = stage.ask(asker, get(url))
    answer_once(stage, listening)

    assert read_all(connection)[0].endswith(b"\r\n\r\nok")
    asked = stage.told("asked")[0]
    assert (asked["asker"], asked["node"], asked["port"], asked["path"]) == (asker, node, 28080, "/health")


def test_a_port_is_80_where_none_is_said(stage: NetworkStage) -> None:
    read_all(stage.ask("blep", get("http://workstation.home.arpa")))

    asked = stage.told("asked")[0]
    assert (asked["host"], asked["port"], asked["path"]) == ("workstation.home.arpa", 80, "/")


def test_the_hub_has_a_name(stage: NetworkStage) -> None:
    listening = stage.listen("workstation", 0)
    stage.hub = listening.getsockname()

    connection = stage.ask("workstation", get("http://hub.home.arpa/org/repo?x=1"))
    head = answer_once(stage, listening)

    assert head.startswith(b"GET /org/repo?x=1 HTTP/1.1\r\nHost: hub.home.arpa\r\n")
    assert read_all(connection)[0].endswith(b"ok")
    assert stage.told("asked")[0]["node"] is None


@pytest.mark.parametrize(
    "url", ["http://workstation.home.arpa:29200/", "http://nowhere.example/", "http://hub.home.arpa/"]
)
def test_where_nobody_listens_the_asker_gets_no_byte(stage: NetworkStage, url: str) -> None:
    connection = stage.ask("blep", get(url))

    assert read_all(connection) == (b"", False)
    ended = stage.await_event("ended")
    assert (ended["how"], ended["body"], ended["size"]) == ("refused", "", 0)
    assert stage.settled_count == 1


def test_a_program_that_is_still_starting_is_not_refused(stage: NetworkStage) -> None:
    started: queue.Queue[socket.socket] = queue.Queue()
    stage.settle = lambda: started.put(stage.listen("workstation", 29200))

    connection = stage.ask("blep", get("http://workstation.home.arpa:29200/"))
    answer_once(stage, started.get(timeout=LIMIT_S))

    assert read_all(connection)[0].endswith(b"ok")
    assert stage.await_event("ended")["how"] == "complete"


def test_requests_takes_a_refusal_for_a_connection_error(stage: NetworkStage) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get("http://localhost:28080/health", proxies=stage.proxies("blep"), timeout=LIMIT_S)

    assert stage.await_event("ended")["how"] == "refused"


def test_an_ssh_server_is_reached_by_port_22(stage: NetworkStage) -> None:
    listening = stage.listen("workstation", 0)
    stage.nodes["workstation"].ssh_port = listening.getsockname()[1]

    connection = stage.ask(
        "blep", b"CONNECT workstation.home.arpa:22 HTTP/1.1\r\nHost: workstation.home.arpa:22\r\n\r\n"
    )
    stage.accept(listening).sendall(b"SSH-2.0-x\r\n")

    assert read_head(connection).startswith(b"HTTP/1.1 200 ")
    assert read_exactly(connection, 11) == b"SSH-2.0-x\r\n"


def test_without_an_ssh_server_port_22_is_refused(stage: NetworkStage) -> None:
    connection = stage.ask(
        "blep", b"CONNECT workstation.home.arpa:22 HTTP/1.1\r\nHost: workstation.home.arpa:22\r\n\r\n"
    )

    assert read_all(connection) == (b"", False)
    assert stage.await_event("ended")["how"] == "refused"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "illegal request line"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /health is no request for http://host:port/path"),
        (b"GET https://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "is no request for http://host:port/path"),
        (b"GET http://localhost:x/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "localhost:x is no host:port"),
        (b"GET http://:80/ HTTP/1.1\r\nHost: localhost\r\n\r\n", ":80 is no host:port"),
        (b"CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", "localhost is no host:port"),
        (b"CONNECT localhost:99999 HTTP/1.1\r\nHost: localhost\r\n\r\n", "localhost:99999 is no host:port"),
    ],
)
def test_what_is_not_for_a_proxy_is_answered_400(stage: NetworkStage, data: bytes, reason: str) -> None:
    connection = stage.ask("blep", data)
    answer, _ = read_all(connection)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert reason in answer.decode()
    assert "forward proxy" in answer.decode()
    assert stage.events == []


def test_who_leaves_before_he_says_a_word_has_not_asked(stage: NetworkStage) -> None:
    connection = stage.ask("blep", b"")
    connection.shutdown(socket.SHUT_WR)

    assert read_all(connection) == (b"", False)
    assert stage.events == []


POST = b"POST http://localhost/ HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET http://localhost/ HT", 400),
        (POST + b"Content-Length: 9\r\n\r\nx", 400),
        (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"5", 400),
        (CHUNKED + b"5\r\nhel", 400),
        (CHUNKED + b"5\r\nhelloXX", 400),
        (CHUNKED + b"5;" + b"e" * 200_000, 431),
        (POST + "Content-Length: ²\r\n\r\n".encode("latin-1"), 400),
        (POST + b"Content-Length: +17\r\n\r\n" + b"x" * 17, 400),
        (POST + b"Content-Length: -17\r\n\r\n" + b"x" * 17, 400),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"X: " + b"x" * 400_000, 431),
        (b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://localhost/ HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        (b"GET http://localhost/\r\n\r\n", 400),
    ],
)
def test_what_is_no_http_gets_the_answer_that_http_has(stage: NetworkStage, data: bytes, status: int) -> None:
    connection = stage.ask("blep", data)
    connection.shutdown(socket.SHUT_WR)
    answer, is_reset = read_all(connection)

    assert (answer[:13], is_reset) == (b"HTTP/1.1 %d " % status, False)
    assert stage.events == []


def test_a_long_request_that_goes_on_as_something_else_is_answered_400(stage: NetworkStage) -> None:
    listening = stage.listen("blep", 28080)
    begin = CHUNKED.replace(b"localhost", b"localhost:28080") + b"20000\r\n" + b"x" * 0x20000 + b"\r\n"
    connection = stage.ask("blep", begin)
    read_head(stage.accept(listening))

    connection.sendall(b"zz\r\n")
    answer, is_reset = read_all(connection)

    assert (answer[:13], is_reset) == (b"HTTP/1.1 400 ", False)
    assert stage.await_event("ended")["how"] == "left"


def test_valid_chunk_extensions_pass(stage: NetworkStage) -> None:
    listening = stage.listen("blep", 28080)
    data = CHUNKED.replace(b"localhost", b"localhost:28080") + b'5;a=b;c="d e"\r\nhello\r\n0;last\r\n\r\n'
    connection = stage.ask("blep", data)
    answerer = stage.accept(listening)
    read_head(answerer)

    assert read_exactly(answerer, 15) == b"5\r\nhello\r\n0\r\n\r\n"
    answerer.sendall(OK)
    assert read_all(connection)[0].endswith(b"ok")


def test_swallow_reads_the_request_and_never_answers(stage: NetworkStage) -> None:
    number = stage.faults.arrange("swallow", host="workstation.home.arpa", port=29200)
    stage.listen("workstation", 29200)

    connection = stage.ask("blep", get("http://workstation.home.arpa:29200/v1/health"))
    fault = stage.await_event("fault")
    connection.close()

    where = {"exchange": 1, "port": 29200, "path": "/v1/health"}
    assert fault == where | {"fault": number, "kind": "swallow", "host": "workstation.home.arpa"}
    assert stage.await_event("ended") == where | {"how": "swallowed", "body": "", "size": 0}
    assert [event["event"] for event in stage.events] == ["asked", "fault", "ended"]


def test_a_host_that_is_no_node_can_be_swallowed(stage: NetworkStage) -> None:
    stage.faults.arrange("swallow", host="unreachable.home.arpa")

    connection = stage.ask("blep", get("http://unreachable.home.arpa:29200/"))
    stage.await_event("fault")
    connection.close()

    assert stage.await_event("ended")["how"] == "swallowed"
    assert stage.settled_count == 0


def test_a_swallowed_tunnel_opens_and_then_says_nothing(stage: NetworkStage) -> None:
    stage.faults.arrange("swallow", host="unreachable.home.arpa")

    connection = stage.ask(
        "blep", b"CONNECT unreachable.home.arpa:22 HTTP/1.1\r\nHost: unreachable.home.arpa:22\r\n\r\n"
    )
    head = read_head(connection)
    connection.sendall(b"SSH-2.0-OpenSSH\r\n")
    connection.shutdown(socket.SHUT_WR)

    assert head.startswith(b"HTTP/1.1 200 ")
    assert read_all(connection)[0] == b""
    assert stage.await_event("ended")["how"] == "swallowed"


def test_an_address_that_is_taken_is_an_error_and_nothing_is_left_open(stage: NetworkStage) -> None:
    other = NetworkStage()
    other.nodes["workstation"].address = stage.nodes["blep"].address

    with pytest.raises(OSError, match=str(errno.EADDRINUSE)), other:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((other.nodes["blep"].address, PROXY_PORT), LIMIT_S)


def test_closing_ends_every_connection(stage: NetworkStage) -> None:
    stage.faults.arrange("swallow", host="a")
    idle, swallowed = stage.ask("blep", b""), stage.ask("operator", get("http://a/"))
    stage.await_event("fault")

    stage.run(stage.network.close())

    assert [read_all(connection)[0] for connection in (idle, swallowed)] == [b"", b""]
    assert stage.told("ended") == []


def test_exchanges_are_numbered_in_order(stage: NetworkStage) -> None:
    for _ in range(3):
        read_all(stage.ask("blep", get("http://localhost:28080/")))

    assert [asked["exchange"] for asked in stage.told("asked")] == [1, 2, 3]


LINES = st.sampled_from(
    [
        b"GET http://localhost:28080/ HTTP/1.1\r\n",
        b"CONNECT localhost:28080 HTTP/1.1\r\n",
        b"POST http://[::1/ HTTP/1.0\r\n",
        b"Host: localhost\r\n",
        b"Content-Length: 1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: Upgrade, host, content-length\r\n",
        b"Upgrade: h2c\r\n",
        b"0\r\n\r\n",
        b"\r\n",
    ]
)


def test_whatever_an_asker_sends_the_network_lives_on(stage: NetworkStage) -> None:
    @settings(max_examples=100)
    @given(st.lists(LINES | st.binary(max_size=8)))
    def send(lines: list[bytes]) -> None:
        connection = stage.ask("blep", b"".join(lines))
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)

    send()

    assert read_all(stage.ask("blep", b"x\r\n\r\n"))[0].startswith(b"HTTP/1.1 400 ")
