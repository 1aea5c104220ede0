"""How a worker is brought to its end: it is asked, it gets some time, and then it has to go."""

from __future__ import annotations

import requests

from mocks.common import clock, http
from mocks.hive import logs
from mocks.hive.workers import Worker, Workers

EXIT_LIMIT_S = 5
"""How long a worker may take to exit (docs/contract.md, section 4.2). When the hive ends, its answer to the request
counts as well: five seconds a worker are all there is."""
IDLE_ASK_LIMIT_S = 10
"""How long an idle worker may take to answer the request (docs/contract.md, section 4.1)."""


def retire(worker: Worker) -> None:
    """Ask one worker to shut down, and see that it goes."""
    _ask(worker, IDLE_ASK_LIMIT_S)
    _see_off(worker, _exit_limit_us())


def cascade(workers: Workers) -> None:
    """Ask all workers to shut down, one after the other, and see that they go; no new one is started, and none outlives
    this, whatever happens."""
    workers.close()
    try:
        _ask_all(workers)
    finally:
        for worker in workers.all():
            worker.kill()


def _ask_all(workers: Workers) -> None:
    leaving: list[tuple[Worker, int]] = []
    for worker in workers.all():
        worker.stopping = True
        leaving.append((worker, _exit_limit_us()))
        logs.info(f"Sending shutdown to worker {worker.id}")
        _ask(worker, EXIT_LIMIT_S)
    for worker, until_us in leaving:
        _see_off(worker, until_us)


def _exit_limit_us() -> int:
    return clock.now_us() + round(EXIT_LIMIT_S * 1_000_000)


def _ask(worker: Worker, limit_s: float) -> None:
    try:
        with http.session(api_key=worker.api_key) as session:
            session.post(f"{worker.url}/v1/admin/shutdown", timeout=limit_s).raise_for_status()
    except requests.RequestException as failure:
        logs.warn(f"worker {worker.id} did not take the shutdown request: {failure}")


def _see_off(worker: Worker, until_us: int) -> None:
    if not _gone(worker, until_us):
        logs.warn(f"worker {worker.id} is still there after {EXIT_LIMIT_S} s and is killed")
        worker.kill()
        _gone(worker, _exit_limit_us())


def _gone(worker: Worker, until_us: int) -> bool:
    """Wait until its process is gone. False when it is still there at that time on the clock."""
    limit_s = max(0, until_us - clock.now_us()) / 1_000_000
    return next(worker.exit_code.follow(limit_s), None) is not None
