"""Waiting until a worker has loaded its model (docs/contract.md, sections 2.3 and 4.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests

from mocks.common.errors import RbeeError
from mocks.common.http import session
from mocks.queen import asking
from mocks.queen.hives import Hive
from mocks.queen.task import Task
from mocks.queen.worker import Worker, listed

LOADING_LIMIT_S = 300
READY_LIMIT_S = 5
READY_PAUSE_S = 2
LAYERS = ("layers_loaded", "layers_total")


def await_ready(hive_http: requests.Session, hive: Hive, task: Task, worker: Worker) -> None:
    """Return once the worker is ready; until then tell how its loading goes.

    Raises RbeeError: LOADING_TIMEOUT after 300 s on the clock, WORKER_CRASHED when the worker is gone from the list of
    its hive, and what the worker says to a wrong key."""
    with session(api_key=worker.api_key) as http:
        _Loading(http, hive_http, hive, task, worker).wait()


class _Loading:
    """One wait for one worker: how far its loading has come, and until when it may take."""

    def __init__(
        self, http: requests.Session, hive_http: requests.Session, hive: Hive, task: Task, worker: Worker
    ) -> None:
        self._http = http
        self._hive_http = hive_http
        self._hive = hive
        self._task = task
        self._worker = worker
        self._names: dict[str, Any] = {"node": hive.node, "worker_id": worker.id}
        self._layers: dict[str, Any] = {}
        self._deadline = asking.Deadline(LOADING_LIMIT_S)

    def wait(self) -> None:
        try:
            while not self._is_ready():
                self._task.pause(self._deadline.left_s(READY_PAUSE_S))
        except TimeoutError as error:
            message = f"Model loading timeout after {LOADING_LIMIT_S // 60} minutes"
            raise RbeeError("LOADING_TIMEOUT", message, state="loading", **self._names, **self._layers) from error

    def _is_ready(self) -> bool:
        """Ask the worker, and see its loading to the end if it shows that."""
        while not (told := self._ask()).get("ready"):
            progress_url = told.get("progress_url")
            if not progress_url or not self._watch(urljoin(self._worker.url, progress_url)):
                return False
        return True

    def _ask(self) -> dict[str, Any]:
        """What the worker says of itself; nothing when it gives no good answer."""
        try:
            limit_s = self._deadline.left_s(READY_LIMIT_S)
            response = self._http.get(f"{self._worker.url}/v1/ready", timeout=limit_s)
            return asking.answer(response, purpose="Worker ready check")
        except requests.Timeout:
            return {}
        except requests.RequestException:
            self._check_listed()
            return {}
        except RbeeError as error:
            if error.status == 401:
                raise
            return {}

    def _watch(self, url: str) -> bool:
        """Tell the progress that the worker streams. Returns whether it came to its end."""
        left_s = self._deadline.left_s()
        try:
            with (
                asking.watched(self._http, url, purpose="Loading progress", silence_s=left_s) as response,
                asking.broken_off(response, after_s=self._deadline.left_s()),
            ):
                for event in asking.read(response):
                    self._layers.update({name: event[name] for name in LAYERS if name in event})
                    self._task.tell({"type": "progress", **event})
        except (asking.StreamError, RbeeError):
            return False
        return True

    def _check_listed(self) -> None:
        """Raises WORKER_CRASHED when the hive does not list the worker any more; it sees at once when one ends."""
        if self._worker.id not in [worker["id"] for worker in listed(self._hive_http, self._hive)]:
            raise RbeeError("WORKER_CRASHED", "The worker ended while it loaded its model", **self._names)
