"""What the hive does without being asked: it looks after the health of its workers, and ends those nobody uses."""

from __future__ import annotations

import threading
from typing import NoReturn

import requests

from mocks.common import clock, http
from mocks.hive import logs, stopping
from mocks.hive.workers import Worker, Workers

# docs/contract.md, section 4.2.
HEALTH_EVERY_US = 30_000_000
HEALTH_LIMIT_S = 5
MISSES = 3
LOADING_LIMIT_US = 300_000_000
IDLE_LIMIT_US = 300_000_000


def watch_health(workers: Workers) -> NoReturn:
    """Ask every worker for its health, every 30 s from now on."""
    begun_us = clock.now_us()
    while True:
        ticks = (clock.now_us() - begun_us) // HEALTH_EVERY_US + 1
        _sleep_until(begun_us + ticks * HEALTH_EVERY_US)
        for worker in workers.all():
            check_health(workers, worker)


def check_health(workers: Workers, worker: Worker) -> None:
    """Ask one worker for its health. An answer is a sign of life; after three misses in a row the worker is removed.

    A worker that still loads may take five minutes for it, and its misses do not count in that time."""
    try:
        with http.session(api_key=worker.api_key) as session:
            session.get(f"{worker.url}/v1/health", timeout=HEALTH_LIMIT_S).raise_for_status()
    except requests.RequestException:
        _missed(workers, worker)
    else:
        worker.alive()


def _missed(workers: Workers, worker: Worker) -> None:
    worker.healthy = False
    if worker.state == "loading" and clock.now_us() < worker.started_us + LOADING_LIMIT_US:
        logs.warn(f"worker {worker.id} did not answer a health check while it loads")
        return
    worker.misses += 1
    logs.warn(f"worker {worker.id} is unhealthy: no answer to a health check ({worker.misses} of {MISSES})")
    if worker.misses == MISSES:
        logs.warn(f"worker {worker.id} is removed: {MISSES} health checks in a row without an answer")
        workers.drop(worker)
        # Nobody could reach it any more, and the device's memory would stay taken.
        worker.kill()


def retire_idle(workers: Workers) -> NoReturn:
    """Ask each worker to shut down at the moment when its last use is 5 minutes ago.

    A wait on the clock cannot be cut short, and need not be: a use only puts a worker's moment off, and a worker that
    is busy now is not due sooner than a whole limit from now."""
    while True:
        now_us = clock.now_us()
        next_us = now_us + IDLE_LIMIT_US
        for worker in workers.all():
            due_us = _idle_until_us(worker)
            if due_us is None:
                continue
            if due_us <= now_us:
                logs.info(f"worker {worker.id} has been idle for 5 minutes")
                worker.stopping = True
                threading.Thread(target=stopping.retire, args=(worker,), daemon=True, name="retire").start()
            else:
                next_us = min(next_us, due_us)
        _sleep_until(next_us)


def _idle_until_us(worker: Worker) -> int | None:
    """When its idle time will be over; None while it is in use, or goes already."""
    if worker.state != "idle" or worker.idle_since_us is None or worker.stopping:
        return None
    return worker.idle_since_us + IDLE_LIMIT_US


def _sleep_until(due_us: int) -> None:
    clock.sleep((due_us - clock.now_us()) / 1_000_000)
