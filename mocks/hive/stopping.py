"""How a worker is brought to its end: it is asked, it gets some time, and then it has to go."""

from __future__ import annotations

import requests

from mocks.common import http
from mocks.hive import logs
from mocks.hive.workers import Worker, Workers

EXIT_LIMIT_S = 5
"""How long a worker may take to exit after it was asked (docs/contract.md, section 4.2)."""
CASCADE_ASK_LIMIT_S = 5
IDLE_ASK_LIMIT_S = 10
"""How long it may take to answer the request (docs/contract.md, section 4.1)."""


def retire(worker: Worker) -> None:
    """Ask one worker to shut down, and see that it goes."""
    _ask(worker, IDLE_ASK_LIMIT_S)
    _see_off(worker)


def cascade(workers: Workers) -> None:
    """Ask all workers to shut down, one after the other, and see that they go; no new one is started."""
    workers.close()
    leaving = workers.all()
    for worker in leaving:
        worker.stopping = True
        logs.info(f"Sending shutdown to worker {worker.id}")
        _ask(worker, CASCADE_ASK_LIMIT_S)
    for worker in leaving:
        _see_off(worker)


def _ask(worker: Worker, limit_s: float) -> None:
    try:
        with http.session(api_key=worker.api_key) as session:
            session.post(f"{worker.url}/v1/admin/shutdown", timeout=limit_s).raise_for_status()
    except requests.RequestException as failure:
        logs.warn(f"worker {worker.id} did not take the shutdown request: {failure}")


def _see_off(worker: Worker) -> None:
    if not _gone(worker):
        logs.warn(f"worker {worker.id} is still there after {EXIT_LIMIT_S} s and is killed")
        worker.kill()
        _gone(worker)


def _gone(worker: Worker) -> bool:
    """Wait until its process is gone. False when that takes longer than the limit."""
    return next(worker.exit_code.follow(EXIT_LIMIT_S), None) is not None
