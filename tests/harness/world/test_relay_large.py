"""Requests whose bodies are longer than what is kept of them: they pass as they come."""

from __future__ import annotations

import socket

from harness.world.http1 import KEPT_BODY_BYTES
from tests.harness.world.network_stage import HIVE, NetworkStage, read_all, read_exactly, read_head

SIZE = 1 << 19  # less than the buffers between the asker and the hive hold: who sends it need not be read meanwhile
HEAD = b"POST %b/v1/workers/spawn HTTP/1.1\r\nHost: workstation.home.arpa:29200\r\nContent-Length: %d\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(stage: NetworkStage, first: bytes) -> socket.socket:
    """A request of SIZE bytes of which so many have been sent."""
    return stage.ask("blep", HEAD % (HIVE.encode(), SIZE) + first)


def test_a_long_request_passes_as_it_comes(stage: NetworkStage, hive: socket.socket) -> None:
    first = b"x" * (2 * KEPT_BODY_BYTES)
    asker = ask(stage, first)
    answerer = stage.accept(hive)
    read_head(answerer)

    assert read_exactly(answerer, len(first)) == first
    assert stage.await_event("asked")["body"] is None

    asker.sendall(b"y" * (SIZE - len(first)))
    assert read_exactly(answerer, SIZE - len(first)) == b"y" * (SIZE - len(first))
    answerer.sendall(ANSWER)
    assert read_all(asker)[0].endswith(b"\r\n\r\nok")
    assert stage.await_event("ended")["how"] == "complete"


def test_a_long_request_may_be_answered_before_its_end(stage: NetworkStage, hive: socket.socket) -> None:
    asker = ask(stage, b"x" * (2 * KEPT_BODY_BYTES))
    answerer = stage.accept(hive)
    read_head(answerer)

    answerer.sendall(ANSWER)

    assert b" 200 OK" in read_head(asker)
    assert stage.await_event("ended")["how"] == "complete"


def test_an_asker_that_leaves_within_a_long_request_is_noticed(stage: NetworkStage, hive: socket.socket) -> None:
    asker = ask(stage, b"x" * (2 * KEPT_BODY_BYTES))
    answerer = stage.accept(hive)
    read_head(answerer)

    asker.close()

    assert stage.await_event("ended")["how"] == "left"
    assert len(read_all(answerer)[0]) < SIZE


def test_an_asker_that_leaves_after_a_long_request_is_noticed(stage: NetworkStage, hive: socket.socket) -> None:
    asker = ask(stage, b"x" * (2 * KEPT_BODY_BYTES))
    answerer = stage.accept(hive)
    read_head(answerer)
    asker.sendall(b"y" * (SIZE - 2 * KEPT_BODY_BYTES))
    read_exactly(answerer, SIZE)

    asker.close()

    assert stage.await_event("ended")["how"] == "left"


def test_a_hive_that_breaks_off_within_a_long_request_is_noticed(stage: NetworkStage, hive: socket.socket) -> None:
    ask(stage, b"x" * (2 * KEPT_BODY_BYTES))

    stage.accept(hive).close()

    assert stage.await_event("ended")["how"] == "broken"


def test_an_answer_that_goes_on_in_another_protocol_is_broken_off(stage: NetworkStage, hive: socket.socket) -> None:
    stage.ask("blep", b"GET %b/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" % HIVE.encode())
    answerer = stage.accept(hive)
    read_head(answerer)

    answerer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")

    assert stage.await_event("ended")["how"] == "broken"
