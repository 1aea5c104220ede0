"""The server of the daemons: what it answers, how it streams, how it stops."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT_S = 30.0


class Daemon:
    """The daemon of served.py, running."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.process = self.start()
        assert self.line() == "ready\n"

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("served.py")), str(self.port)],
            env={**os.environ, "RBEE_BIND_HOST": "127.0.0.1", "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def feed(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def call(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, str], str]:
        with contextlib.closing(self.call()) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()

    def end(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    daemon.end()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    daemon.end()


def test_a_route_answers_in_json(lasting: Daemon) -> None:
    status, headers, text = lasting.ask("GET", "/health")

    assert (status, headers["content-type"], text) == (200, "application/json", '{"status":"ok","name":"ü"}\n')


@pytest.mark.parametrize("path", ["/unknown", "/health/", "/v1//echo"])
def test_an_unknown_path_is_404_with_an_empty_body(lasting: Daemon, path: str) -> None:
    status, headers, text = lasting.ask("GET", path)

    assert (status, headers["content-length"], text) == (404, "0", "")


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_a_wrong_method_is_405_and_says_which_are_right(lasting: Daemon, method: str) -> None:
    status, headers, text = lasting.ask(method, "/health")

    assert (status, set(headers["allow"].split(", ")), text) == (405, {"GET", "HEAD"}, "")


def test_head_works_where_get_does(lasting: Daemon) -> None:
    status, _, text = lasting.ask("HEAD", "/health")

    assert (status, text) == (200, "")


def test_an_answer_without_a_body(lasting: Daemon) -> None:
    status, headers, text = lasting.ask("DELETE", "/gone")

    assert (status, text) == (204, "")
    assert "transfer-encoding" not in headers


def test_an_error_of_rbee_is_answered_with_its_envelope(lasting: Daemon) -> None:
    status, _, text = lasting.ask("GET", "/busy")

    assert (status, text.startswith('{"error":{"code":"ALL_SLOTS_BUSY"')) == (503, True)


def test_a_defect_is_an_internal_error(lasting: Daemon) -> None:
    status, _, text = lasting.ask("GET", "/defect")

    assert (status, text) == (500, '{"error":{"code":"INTERNAL_ERROR","message":"ValueError(\'a defect\')"}}\n')


def test_a_connection_carries_several_requests(lasting: Daemon) -> None:
    with contextlib.closing(lasting.call()) as connection:
        bodies = []
        for number in range(3):
            connection.request("POST", "/unread", "x" * number)
            connection.getresponse().read()
            connection.request("POST", "/v1/echo", str(number))
            bodies.append(connection.getresponse().read())

        assert bodies == [b"0", b"1", b"2"]


def test_a_chunked_request_body_is_read(lasting: Daemon) -> None:
    with contextlib.closing(lasting.call()) as connection:
        connection.request("POST", "/v1/echo", iter([b"a", b"bc"]), encode_chunked=True)
        body = connection.getresponse().read()

        assert body == b"abc"


def test_a_body_that_is_awaited_with_100_continue(lasting: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", lasting.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        go_on = connection.recv(100)
        connection.sendall(b"ok")
        answer = connection.recv(1000)

    assert go_on.startswith(b"HTTP/1.1 100 Continue\r\n")
    assert answer.endswith(b"\r\n\r\nok")


def test_each_piece_of_a_stream_arrives_as_it_is_made(daemon: Daemon) -> None:
    with contextlib.closing(daemon.call()) as connection:
        connection.request("GET", "/pieces")
        answer = connection.getresponse()
        arrived = []
        for number in range(3):
            daemon.feed(f"{number}\n")
            arrived.append(answer.readline())

        assert answer.getheader("transfer-encoding") == "chunked"
        assert arrived == [b"0\n", b"1\n", b"2\n"]


def test_each_piece_is_one_write(daemon: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(1000)
        daemon.feed("piece\n")
        piece = connection.recv(1000)

    assert piece == b"6\r\npiece\n\r\n"


def test_an_asker_of_http_1_0_gets_no_chunks(daemon: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET /pieces HTTP/1.0\r\n\r\n")
        daemon.feed("piece\n")
        assert daemon.process.stdin is not None
        daemon.process.stdin.close()
        answer = b"".join(iter(lambda: connection.recv(1000), b""))

    assert answer.endswith(b"\r\nConnection: close\r\n\r\npiece\n")


def test_a_stream_that_fails_breaks_off_without_its_last_chunk(daemon: Daemon) -> None:
    with contextlib.closing(daemon.call()) as connection:
        connection.request("GET", "/pieces")
        answer = connection.getresponse()
        daemon.feed("piece\nbreak\n")

        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()

    assert broken.value.partial == b"piece\n"


def test_a_stream_whose_asker_hung_up_is_closed_at_the_next_write(daemon: Daemon) -> None:
    connection = daemon.call()
    connection.request("GET", "/pieces")
    answer = connection.getresponse()
    answer.close()
    connection.close()
    daemon.feed("nobody reads this\n")

    said = daemon.line()

    assert said == "closed\n"


def test_a_route_that_waits_is_told_that_its_asker_hung_up(daemon: Daemon) -> None:
    connection = daemon.call()
    connection.request("GET", "/waiting")
    assert daemon.line() == "waiting\n"
    connection.close()

    said = daemon.line()

    assert said == "hung up\n"


def test_an_asker_that_stays_is_not_reported(daemon: Daemon) -> None:
    with contextlib.closing(daemon.call()) as connection:
        connection.request("GET", "/waiting")
        assert daemon.line() == "waiting\n"
        daemon.feed("\n")
        body = connection.getresponse().read()
    daemon.process.send_signal(signal.SIGTERM)

    assert body == b"done"
    assert daemon.line() == "stopping\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_exit_code_0(daemon: Daemon, number: signal.Signals) -> None:
    daemon.process.send_signal(number)

    out, err = daemon.process.communicate(timeout=LIMIT_S)
    assert (daemon.process.returncode, out, err) == (0, "stopping\n", "")


def test_a_signal_ends_it_though_a_stream_is_open(daemon: Daemon) -> None:
    with contextlib.closing(daemon.call()) as connection:
        connection.request("GET", "/pieces")
        connection.getresponse()
        daemon.process.send_signal(signal.SIGTERM)

        assert daemon.process.wait(LIMIT_S) == 0


def test_it_stops_quickly(daemon: Daemon) -> None:
    began_s = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.line() == "stopping\n"
    took_s = time.monotonic() - began_s

    assert took_s < 0.4


def test_a_route_that_stops_it_is_answered_first(daemon: Daemon) -> None:
    status, _, text = daemon.ask("POST", "/stop")

    assert (status, text) == (200, '{"stopping":true}\n')
    assert (daemon.process.wait(LIMIT_S), daemon.line()) == (0, "stopping\n")


def test_a_port_that_is_taken_is_an_os_error(lasting: Daemon) -> None:
    second = lasting.start()

    _, err = second.communicate(timeout=LIMIT_S)

    assert second.returncode == 1
    assert err.endswith("OSError: [Errno 98] Address already in use\n")
