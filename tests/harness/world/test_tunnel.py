"""Tunnels through the network."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from tests.harness.world.network_stage import LIMIT_S, NetworkStage, read_all, read_exactly, read_head

CONNECT = b"CONNECT workstation.home.arpa:29200 HTTP/1.1\r\nHost: workstation.home.arpa:29200\r\n\r\n"
TUNNEL = {"exchange": 1, "port": 29200, "path": ""}


@pytest.fixture
def ends(stage: NetworkStage) -> tuple[socket.socket, socket.socket]:
    """Both ends of a tunnel from blep to workstation."""
    listening = stage.listen("workstation", 29200)
    asker = stage.ask("blep", CONNECT)
    host = stage.accept(listening)
    read_head(asker)
    return asker, host


Ends = tuple[socket.socket, socket.socket]


def reset(connection: socket.socket) -> None:
    """Close a connection by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_bytes_pass_both_ways(stage: NetworkStage, ends: Ends) -> None:
    asker, host = ends

    asker.sendall(b"\x00ping")
    there = read_exactly(host, 5)
    host.sendall(b"pong\xff")

    assert (there, read_exactly(asker, 5)) == (b"\x00ping", b"pong\xff")
    asked = stage.told("asked")[0]
    assert (asked["method"], asked["host"], asked["port"], asked["path"]) == (
        "CONNECT",
        "workstation.home.arpa",
        29200,
        "",
    )


def test_bytes_sent_along_with_the_request_are_not_lost(stage: NetworkStage) -> None:
    listening = stage.listen("workstation", 29200)

    stage.ask("blep", CONNECT + b"early")

    assert read_exactly(stage.accept(listening), 5) == b"early"


@pytest.mark.parametrize("first", [0, 1])
def test_one_side_may_go_on_when_the_other_is_done(stage: NetworkStage, ends: Ends, first: int) -> None:
    early, late = ends[first], ends[1 - first]

    early.sendall(b"last")
    early.shutdown(socket.SHUT_WR)
    got = read_all(late)
    late.sendall(b"still here")
    late.close()

    assert (got, read_all(early)) == ((b"last", False), (b"still here", False))
    passed = len(b"still here") if first == 0 else len(b"last")
    assert stage.await_event("ended")["size"] == passed
    assert stage.told("ended")[0]["how"] == "complete"


def test_a_reset_of_the_host_reaches_the_asker_as_one(stage: NetworkStage, ends: Ends) -> None:
    asker, host = ends

    host.sendall(b"half")
    got = read_exactly(asker, 4)
    reset(host)

    assert (got, read_all(asker)) == (b"half", (b"", True))
    assert stage.await_event("ended") == TUNNEL | {"how": "broken", "body": None, "size": 4}


def test_a_reset_of_the_asker_closes_the_host(stage: NetworkStage, ends: Ends) -> None:
    asker, host = ends

    reset(asker)

    assert read_all(host)[0] == b""
    assert stage.await_event("ended")["how"] == "left"


def test_much_passes_both_ways_at_once(stage: NetworkStage, ends: Ends) -> None:
    data = bytes(range(256)) * 8192
    sending = [threading.Thread(target=_send_and_end, args=(end, data)) for end in ends]

    for thread in sending:
        thread.start()
    received: list[bytes] = []
    other = threading.Thread(target=lambda: received.append(read_all(ends[1])[0]))
    other.start()
    received.append(read_all(ends[0])[0])
    for thread in (*sending, other):
        thread.join(LIMIT_S)

    assert received == [data, data]
    assert stage.await_event("ended") == TUNNEL | {"how": "complete", "body": None, "size": len(data)}


def _send_and_end(end: socket.socket, data: bytes) -> None:
    end.sendall(data)
    end.shutdown(socket.SHUT_WR)
