"""How workers are brought to their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from mocks.common.errors import RbeeError
from mocks.hive import stopping
from mocks.hive.workers import Worker, Workers
from tests.mocks.hive.conftest import Hands, exit_code, order
from tests.mocks.hive.worker_front import SHUTDOWN, Answer, Front


@contextmanager
def fronted(workers: Workers, worker_id: str, shutdown: Answer | None = None) -> Iterator[tuple[Worker, Front]]:
    """A worker that obeys a shutdown request, or does what `shutdown` says."""
    with Front() as front:
        worker = workers.spawn(order(worker_id))
        worker.url = front.url

        def obey() -> int:
            worker.process.terminate()
            return 200

        front.answers[SHUTDOWN] = shutdown or obey
        yield worker, front


def test_retired_worker_is_asked_with_its_key(workers: Workers) -> None:
    with fronted(workers, "one") as (worker, front):
        stopping.retire(worker)

    assert front.asked == [(SHUTDOWN, f"Bearer {worker.api_key}")]
    assert exit_code(worker) == -15
    assert workers.all() == []


@pytest.mark.parametrize("status", [200, 500])
def test_worker_that_does_not_go_is_killed(
    status: int, workers: Workers, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stopping, "EXIT_LIMIT_S", 0.05)
    with fronted(workers, "one", lambda: status) as (worker, _):
        stopping.retire(worker)

    assert exit_code(worker) == -9
    assert "worker one is still there after 0.05 s and is killed" in capfd.readouterr().out


def test_cascade_asks_all_workers_before_it_waits_for_any(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "EXIT_LIMIT_S", 0.05)
    present: list[int] = []

    def stay() -> int:
        present.append(len(workers.all()))
        return 200

    with ExitStack() as stack:
        made = [stack.enter_context(fronted(workers, name, stay)) for name in ("one", "two", "three")]

        stopping.cascade(workers)

    assert present == [3, 3, 3]
    assert [exit_code(worker) for worker, _ in made] == [-9, -9, -9]


def test_cascade_counts_the_time_that_a_worker_takes_to_answer(
    workers: Workers, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits_s: list[float | None] = []
    hands.end_us = hands.now_us + 10_000_000

    def answer_late() -> int:
        hands.sleep(2)
        return 200

    def follow(quiet_s: float | None) -> Iterator[int]:
        limits_s.append(quiet_s)
        yield 0

    with fronted(workers, "one", answer_late) as (worker, _):
        monkeypatch.setattr(worker.exit_code, "follow", follow)

        stopping.cascade(workers)

    assert limits_s == [3]


def test_cascade_goes_on_after_a_worker_that_is_not_there(workers: Workers) -> None:
    with fronted(workers, "one") as (gone, _), fronted(workers, "two") as (there, front):
        gone.url = "http://127.0.0.1:1"
        gone.process.terminate()

        stopping.cascade(workers)

    assert [line for line, _ in front.asked] == [SHUTDOWN]
    assert exit_code(there) == -15


def test_after_a_cascade_no_worker_is_started(workers: Workers) -> None:
    stopping.cascade(workers)

    with pytest.raises(RbeeError, match="shutting down"):
        workers.spawn(order())


def test_no_worker_outlives_a_cascade_that_fails(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [workers.spawn(order(name)) for name in ("one", "two")]

    def failing(*_: object) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(stopping, "_ask", failing)

    with pytest.raises(OSError, match="too many open files"):
        stopping.cascade(workers)

    assert [exit_code(worker) for worker in made] == [-9, -9]
