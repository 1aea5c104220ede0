"""Answers that are cut at an exact byte."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.harness.world.network_stage import (
    ASKED_LIST,
    LIMIT_S,
    STREAM_HEAD,
    NetworkStage,
    ask_hive,
    chunk,
    read_all,
    read_head,
)


@pytest.mark.parametrize(("at", "times"), [(2_097_152, 30), (1, 5), (3_145_728, 5), (5_242_879, 5), (5_242_880, 5)])
def test_a_cut_is_exact_every_time(stage: NetworkStage, hive: socket.socket, at: int, times: int) -> None:
    stage.faults.arrange("cut", host="workstation.home.arpa", port=29200, at=[at] * times)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5242880\r\n\r\n" + bytes(5_242_880)

    arrived = []
    for _ in range(times):
        asker, answerer = ask_hive(stage, hive)
        sending = threading.Thread(target=_send, args=(answerer, answer))
        sending.start()
        read_head(asker)
        body, was_reset = read_all(asker)
        sending.join(LIMIT_S)
        arrived.append((len(body), was_reset))

    assert arrived == [(at, True)] * times
    assert [ended["size"] for ended in stage.told("ended")] == [at] * times
    assert stage.hold_count == times


def _send(answerer: socket.socket, answer: bytes) -> None:
    try:
        answerer.sendall(answer)
    except OSError:
        answerer.close()


def test_a_cut_is_told(stage: NetworkStage, hive: socket.socket) -> None:
    number = stage.faults.arrange("cut", host="workstation.home.arpa", at=[2])

    asker, answerer = ask_hive(stage, hive)
    answerer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    read_all(asker)

    ended = stage.await_event("ended")
    assert ended == ASKED_LIST | {"how": "cut", "body": "ab", "size": 2}
    hit = ASKED_LIST | {"fault": number, "kind": "cut", "host": "workstation.home.arpa", "at": 2}
    assert stage.told("fault") == [hit]
    assert [event["event"] for event in stage.events] == ["asked", "answered", "fault", "ended"]


def test_a_cut_at_0_resets_before_the_first_byte_of_the_answer(stage: NetworkStage, hive: socket.socket) -> None:
    stage.faults.arrange("cut", host="workstation.home.arpa", at=[0])

    asker, answerer = ask_hive(stage, hive)
    answerer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")

    assert read_all(asker) == (b"", True)
    assert stage.await_event("ended") == ASKED_LIST | {"how": "cut", "body": "", "size": 0}
    assert stage.told("answered") == []


def test_a_chunked_body_is_cut_at_its_own_bytes(stage: NetworkStage, hive: socket.socket) -> None:
    stage.faults.arrange("cut", host="workstation.home.arpa", at=[12])

    asker, answerer = ask_hive(stage, hive)
    answerer.sendall(STREAM_HEAD + chunk(b"data: a\n\n") + chunk(b"data: b\n\n") + b"0\r\n\r\n")
    read_head(asker)

    assert read_all(asker) == (chunk(b"data: a\n\n") + chunk(b"dat"), True)
    assert stage.told("passed") == [ASKED_LIST | {"data": "a"}]


def test_answers_that_a_cut_does_not_name_pass_untouched(stage: NetworkStage, hive: socket.socket) -> None:
    stage.faults.arrange("cut", host="workstation.home.arpa", at=[None, 1, 99])

    answers = []
    for _ in range(4):
        asker, answerer = ask_hive(stage, hive)
        answerer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
        read_head(asker)
        answers.append(read_all(asker))

    assert answers == [(b"abc", False), (b"a", True), (b"abc", False), (b"abc", False)]
    assert len(stage.told("fault")) == 1
