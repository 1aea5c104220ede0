"""What a hive does without being asked: health checks, and the end of workers that nobody uses."""

from __future__ import annotations

import threading
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mocks.common.feed import Feed
from mocks.hive import loops, stopping
from mocks.hive.workers import Worker, Workers
from tests.mocks.hive.conftest import START_US, Hands, exit_code, order
from tests.mocks.hive.worker_front import HEALTH, Front


def idle_worker(workers: Workers, front: Front) -> Worker:
    worker = workers.spawn(order())
    worker.url = front.url
    worker.changed("idle", 1)
    return worker


def healthy_after(worker: Worker, hands: Hands, workers: Workers, *, checks: int) -> bool:
    hands.run(30 * checks + 10, lambda: loops.watch_health(workers))
    return worker.healthy


def test_health_is_asked_every_30_seconds(workers: Workers, hands: Hands) -> None:
    asked_us: list[int] = []

    def answer() -> int:
        asked_us.append(hands.since_start_us())
        return 200

    with Front({HEALTH: answer}) as front:
        worker = idle_worker(workers, front)

        assert healthy_after(worker, hands, workers, checks=3)

    assert asked_us == [30_000_000, 60_000_000, 90_000_000]
    assert front.asked[0] == (HEALTH, f"Bearer {worker.api_key}")


def test_answer_is_a_sign_of_life(workers: Workers, hands: Hands) -> None:
    with Front({HEALTH: lambda: 200}) as front:
        worker = idle_worker(workers, front)

        assert healthy_after(worker, hands, workers, checks=1)

    assert worker.last_activity_us == START_US + 30_000_000
    assert worker.idle_since_us == START_US


def test_one_miss_makes_a_worker_unhealthy(workers: Workers, hands: Hands) -> None:
    with Front({HEALTH: lambda: 500}) as front:
        worker = idle_worker(workers, front)

        assert not healthy_after(worker, hands, workers, checks=1)

    assert workers.all() == [worker]


def test_three_misses_in_a_row_remove_a_worker(workers: Workers, hands: Hands) -> None:
    with Front({HEALTH: lambda: 500}) as front:
        worker = idle_worker(workers, front)

        assert not healthy_after(worker, hands, workers, checks=3)

    assert workers.all() == []
    assert exit_code(worker) == -9


def test_answer_between_misses_begins_anew(workers: Workers, hands: Hands) -> None:
    answers = iter([500, 500, 200, 500, 500])
    with Front({HEALTH: lambda: next(answers)}) as front:
        worker = idle_worker(workers, front)

        assert not healthy_after(worker, hands, workers, checks=5)

    assert workers.all() == [worker]


def test_silence_is_a_miss(workers: Workers, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "HEALTH_LIMIT_S", 0.05)
    over = threading.Event()
    with Front({HEALTH: lambda: 200 if over.wait(10) else 500}) as front:
        worker = idle_worker(workers, front)

        assert not healthy_after(worker, hands, workers, checks=1)
        over.set()

    assert worker.misses == 1


def test_loading_worker_may_be_silent_for_five_minutes(workers: Workers, hands: Hands) -> None:
    with Front({HEALTH: lambda: 500}) as front:
        worker = workers.spawn(order())
        worker.url = front.url

        hands.run(355, lambda: loops.watch_health(workers))

    assert len(front.asked) == 11
    assert worker.misses == 2


def test_slow_checks_do_not_shift_the_rhythm(workers: Workers, hands: Hands) -> None:
    asked_us: list[int] = []

    def answer_after_45_seconds() -> int:
        asked_us.append(hands.since_start_us())
        hands.now_us += 45_000_000
        return 200

    with Front({HEALTH: answer_after_45_seconds}) as front:
        worker = idle_worker(workers, front)

        assert healthy_after(worker, hands, workers, checks=5)

    assert asked_us == [30_000_000, 90_000_000, 150_000_000]


@pytest.fixture
def retired(monkeypatch: pytest.MonkeyPatch, hands: Hands) -> list[tuple[str, int]]:
    """Which workers were retired, and when, in microseconds since the start."""
    made: list[tuple[str, int]] = []
    monkeypatch.setattr(stopping, "retire", lambda worker: made.append((worker.id, hands.since_start_us())))
    # A thread would look at the clock later than it was started.
    monkeypatch.setattr("mocks.hive.loops.threading.Thread", _AtOnce)
    return made


class _AtOnce:
    def __init__(self, target: Any, args: tuple[Any, ...], **_: object) -> None:
        self.start = lambda: target(*args)


def known_worker(worker_id: str) -> Worker:
    """A worker without a process."""
    nobody = cast(psutil.Popen, None)
    return Worker(order(worker_id), 8001, "http://127.0.0.1:8001", "key", nobody, Feed(), START_US, START_US)


def retire(*workers: Worker) -> None:
    loops.retire_idle(cast(Workers, SimpleNamespace(all=lambda: list(workers))))


def test_worker_goes_five_minutes_after_its_last_use(hands: Hands, retired: list[tuple[str, int]]) -> None:
    worker = known_worker("one")
    hands.at(4.2, lambda: worker.changed("idle", 1))

    hands.run(400, lambda: retire(worker))

    assert retired == [("one", 304_200_000)]


def test_health_checks_are_no_use(hands: Hands, retired: list[tuple[str, int]]) -> None:
    worker = known_worker("one")
    worker.changed("idle", 1)
    hands.at(290, worker.alive)

    hands.run(400, lambda: retire(worker))

    assert retired == [("one", 300_000_000)]


def test_loading_and_busy_workers_stay(hands: Hands, retired: list[tuple[str, int]]) -> None:
    loading, busy = known_worker("loading"), known_worker("busy")
    busy.changed("busy", 0)

    hands.run(2000, lambda: retire(loading, busy))

    assert retired == []


def test_each_worker_has_its_own_moment(hands: Hands, retired: list[tuple[str, int]]) -> None:
    one, two, three = (known_worker(name) for name in ("one", "two", "three"))
    for after_s, worker in ((3, one), (5, three), (4, two)):
        hands.at(after_s, partial(worker.changed, "idle", 1))

    hands.run(1000, lambda: retire(one, two, three))

    assert retired == [("one", 303_000_000), ("two", 304_000_000), ("three", 305_000_000)]


USES = st.lists(st.tuples(st.integers(1, 700_000_000), st.integers(1, 700_000_000)), max_size=6)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uses=USES)
def test_whatever_the_uses_the_moment_is_exact(
    hands: Hands, retired: list[tuple[str, int]], uses: list[tuple[int, int]]
) -> None:
    """Each use begins some time after the one before, and lasts some time, in microseconds."""
    retired.clear()
    hands.now_us, hands.happenings = START_US, []
    worker = known_worker("one")
    worker.changed("idle", 1)
    idle_us = 0
    for pause_us, length_us in uses:
        if pause_us >= 300_000_000:
            break
        hands.at((idle_us + pause_us) / 1e6, lambda: worker.changed("busy", 0))
        idle_us += pause_us + length_us
        hands.at(idle_us / 1e6, lambda: worker.changed("idle", 1))

    hands.run(10_000, lambda: retire(worker))

    assert retired == [("one", idle_us + 300_000_000)]
