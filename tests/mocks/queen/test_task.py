"""Tasks: their events, their failures, and how they are canceled."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mocks.common.errors import RbeeError
from mocks.queen.task import CanceledError, Task, Tasks
from tests.mocks.queen.conftest import Hands, order

LIMIT_S = 30


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection: the queen's end of it, and the asker's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def payloads(stream: Iterator[bytes]) -> list[Any]:
    """What the stream tells after `accepted`."""
    texts = [piece.decode().removeprefix("data: ").removesuffix("\n\n") for piece in stream]
    assert texts[-1] == "[DONE]"
    return [json.loads(text) for text in texts[1:-1]]


def test_events_come_in_their_order(task: Task) -> None:
    def flow(task: Task) -> None:
        task.tell({"n": 1})
        task.narrate("two")
        task.overhear({"n": 3})

    assert list(task.run(flow)) == [{"n": 1}, {"type": "narration", "actor": "queen-rbee", "human": "two"}, {"n": 3}]


def test_event_leaves_before_the_next_is_made(task: Task) -> None:
    seen = threading.Event()

    def flow(task: Task) -> None:
        task.tell({"n": 1})
        assert seen.wait(LIMIT_S)
        task.tell({"n": 2})

    events = task.run(flow)
    assert next(events) == {"n": 1}
    seen.set()

    assert list(events) == [{"n": 2}]


def test_failed_flow_ends_with_its_error(task: Task) -> None:
    def flow(_: Task) -> None:
        raise RbeeError("DOWNLOAD_FAILED", "m", model="x")

    expected = {"type": "error", "code": "DOWNLOAD_FAILED", "message": "m", "details": {"model": "x"}}
    assert list(task.run(flow)) == [expected]


def test_defect_is_told_and_not_hidden(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", reported.put)

    def flow(_: Task) -> None:
        raise ZeroDivisionError("a defect")

    (event,) = task.run(flow)

    assert (event["code"], event["message"]) == ("INTERNAL_ERROR", "ZeroDivisionError('a defect')")
    assert reported.get(timeout=LIMIT_S).exc_type is ZeroDivisionError


def test_canceled_task_ends_at_its_next_event(task: Task) -> None:
    def flow(task: Task) -> None:
        task.cancel()
        task.tell({"n": 1})

    (event,) = task.run(flow)

    assert event["code"] == "REQUEST_CANCELED"


def test_canceled_task_ends_after_a_pause(task: Task, hands: Hands) -> None:
    task.cancel()

    with pytest.raises(CanceledError):
        task.pause(2)

    assert hands.pauses_s == [2]


def test_who_can_stop_the_work_is_told_once(task: Task) -> None:
    stops: list[str] = []

    with task.stopped_by(lambda: stops.append("stop")):
        task.cancel()
        task.cancel()

    assert stops == ["stop"]


def test_what_still_comes_from_stopped_work_is_told(task: Task) -> None:
    def flow(task: Task) -> None:
        with task.stopped_by(lambda: None):
            task.cancel()
            task.tell({"type": "end"})

    assert list(task.run(flow)) == [{"type": "end"}]


def test_work_of_a_canceled_task_is_stopped_as_it_begins(task: Task) -> None:
    stops: list[str] = []
    task.cancel()

    with task.stopped_by(lambda: stops.append("stop")):
        assert stops == ["stop"]


def test_work_that_is_over_is_not_stopped(task: Task) -> None:
    stops: list[str] = []
    with task.stopped_by(lambda: stops.append("stop")):
        pass

    task.cancel()

    assert stops == []


def test_stream_begins_with_the_id_and_ends_with_its_mark(ends: tuple[socket.socket, socket.socket]) -> None:
    task = Task(order())

    stream = list(Tasks().stream(task, lambda task: task.tell({"n": 1}), ends[0]))

    assert stream == [
        f'data: {{"type":"accepted","task_id":"{task.id}"}}\n\n'.encode(),
        b'data: {"n":1}\n\n',
        b"data: [DONE]\n\n",
    ]


def test_task_is_canceled_by_its_id(task: Task, ends: tuple[socket.socket, socket.socket]) -> None:
    tasks = Tasks()

    def flow(task: Task) -> None:
        tasks.cancel(task.id)
        task.tell({"n": 1})

    (event,) = payloads(tasks.stream(task, flow, ends[0]))

    assert event["code"] == "REQUEST_CANCELED"


def test_task_is_canceled_when_the_asker_hangs_up(task: Task, ends: tuple[socket.socket, socket.socket]) -> None:
    stopped = threading.Event()
    ours, theirs = ends

    def flow(task: Task) -> None:
        with task.stopped_by(stopped.set):
            theirs.close()
            assert stopped.wait(LIMIT_S)

    assert payloads(Tasks().stream(task, flow, ours)) == []


def test_task_is_canceled_when_its_stream_is_given_up(task: Task, ends: tuple[socket.socket, socket.socket]) -> None:
    stopped = threading.Event()

    def flow(task: Task) -> None:
        with task.stopped_by(stopped.set):
            task.tell({"n": 1})
            assert stopped.wait(LIMIT_S)

    stream = Tasks().stream(task, flow, ends[0])
    next(stream)
    next(stream)
    stream.close()  # type: ignore[attr-defined]

    assert stopped.wait(LIMIT_S)


def test_unknown_task_may_be_canceled(task: Task, ends: tuple[socket.socket, socket.socket]) -> None:
    tasks = Tasks()
    list(tasks.stream(task, lambda _: None, ends[0]))

    tasks.cancel(task.id)

    assert list(task.run(lambda _: None)) == []
