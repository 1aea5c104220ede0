"""The retry policy, over real connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from mocks.common.retry import backoff

POLICIES = st.tuples(st.integers(min_value=1, max_value=8), st.floats(min_value=0.001, max_value=2))


def _session(
    attempts: int, first_delay_s: float, slept: list[float], told: list[int] | None = None
) -> requests.Session:
    policy = backoff(
        attempts,
        first_delay_s,
        sleep=slept.append,
        on_retry=lambda number, _: None if told is None else told.append(number),
    )
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(max_retries=policy))
    return session


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture
def answering_500() -> Iterator[tuple[int, list[bytes]]]:
    """A port where every request is answered 500, and what was asked there."""
    asked: list[bytes] = []

    def serve(server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                asked.append(peer.recv(4096))
                peer.sendall(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()
    yield server.getsockname()[1], asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_five_attempts_wait_200_400_800_1600_ms(closed_port: int) -> None:
    slept: list[float] = []

    with _session(5, 0.2, slept) as session, pytest.raises(requests.ConnectionError):
        session.post(f"http://127.0.0.1:{closed_port}/")

    assert slept == [0.2, 0.4, 0.8, 1.6]


def test_each_retry_is_told_before_its_delay(closed_port: int) -> None:
    told: list[int] = []

    with _session(3, 0.1, [], told) as session, pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{closed_port}/")

    assert told == [2, 3]


def test_an_http_status_is_never_retried(answering_500: tuple[int, list[bytes]]) -> None:
    port, asked = answering_500
    slept: list[float] = []

    with _session(5, 0.2, slept) as session:
        answer = session.get(f"http://127.0.0.1:{port}/")

    assert (answer.status_code, len(asked), slept) == (500, 1, [])


def test_a_timeout_is_not_retried() -> None:
    policy = backoff(5, 0.2, sleep=lambda _: None)

    with pytest.raises(ReadTimeoutError):
        policy.increment("GET", "/", error=ReadTimeoutError(None, "/", "timed out"))  # type: ignore[arg-type]


@given(POLICIES)
def test_delays_double_from_the_first_and_there_is_one_less_than_attempts(policy: tuple[int, float]) -> None:
    attempts, first_delay_s = policy
    slept: list[float] = []
    refused = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    retries = backoff(attempts, first_delay_s, sleep=slept.append)

    for _ in range(attempts - 1):
        retries = retries.increment("POST", "/", error=refused)
        retries.sleep()

    with pytest.raises(MaxRetryError):
        retries.increment("POST", "/", error=refused)
    assert slept == [first_delay_s * 2**number for number in range(attempts - 1)]
