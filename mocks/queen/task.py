"""A task: what somebody asks for, the events on their way back, and how it is canceled."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mocks.common import clock, events, log
from mocks.common.errors import RbeeError
from mocks.common.serve import watched

Event = Mapping[str, Any]

ACTOR = "queen-rbee"


class CanceledError(Exception):
    """Nobody wants the result of this task any more."""


@dataclass(frozen=True)
class Order:
    """What the asker of a task wants. `api_key` goes to the hive, `keeper_version` is compared with the hive's."""

    node: str
    model: str
    prompt: str
    max_tokens: int
    temperature: float
    backend: str
    device: int
    api_key: str | None
    keeper_version: str


class Task:
    """One task under way. Its flow runs in a thread of its own and tells events, which leave in order of arrival."""

    def __init__(self, order: Order) -> None:
        self.id = str(uuid.uuid4())
        self.order = order
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._canceling = threading.Lock()
        self._canceled = False
        self._stop: Callable[[], None] | None = None

    def tell(self, event: Event) -> None:
        """Send an event to the asker. Raises CanceledError when the task was canceled and nothing else will end it."""
        self._check()
        self._events.put(event)

    def narrate(self, human: str) -> None:
        """Tell the asker what the queen is about. Raises as `tell` does."""
        self.tell(events.narration(ACTOR, human))

    def overhear(self, event: Event) -> None:
        """Send the asker an event that comes from beside the flow, from any thread."""
        self._events.put(event)

    def pause(self, delay_s: float) -> None:
        """Wait `delay_s` seconds on the clock. Raises CanceledError as `tell` does."""
        clock.sleep(delay_s)
        self._check()

    @contextlib.contextmanager
    def stopped_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """While the block runs, canceling the task means to call `stop` once, which makes the block come to its end."""
        with self._lock:
            self._stop, late = stop, self._canceled
        try:
            if late:
                stop()
            yield
        finally:
            with self._lock:
                self._stop = None

    def cancel(self) -> None:
        """End the task early; one that is over stays as it is. Returns when what can stop it has been called."""
        with self._canceling:
            with self._lock:
                stop, again = self._stop, self._canceled
                self._canceled = True
            if stop and not again:
                stop()

    def run(self, flow: Callable[[Task], None]) -> Iterator[Event]:
        """Start `flow` with this task, and yield the events as they come; the last one is an error's if it failed."""
        threading.Thread(target=self._work, args=(flow,), daemon=True, name=f"task {self.id}").start()
        return iter(self._events.get, None)

    def _work(self, flow: Callable[[Task], None]) -> None:
        log.info(ACTOR, f"Task {self.id} begins on node '{self.order.node}'")
        try:
            flow(self)
            log.info(ACTOR, f"Task {self.id} is done")
        except CanceledError:
            self._fail(RbeeError("REQUEST_CANCELED", "Request canceled"))
        except RbeeError as failure:
            self._fail(failure)
        except Exception as defect:
            self._fail(RbeeError("INTERNAL_ERROR", repr(defect)))
            raise
        finally:
            self._events.put(None)

    def _fail(self, failure: RbeeError) -> None:
        log.warn(ACTOR, f"Task {self.id} failed: {failure.code}: {failure.message}")
        self._events.put(failure.event())

    def _check(self) -> None:
        if self._canceled and self._stop is None:
            raise CanceledError


class Tasks:
    """The tasks that are under way, by id."""

    def __init__(self) -> None:
        self._running: dict[str, Task] = {}

    def stream(self, task: Task, flow: Callable[[Task], None], asker: socket.socket) -> Iterator[bytes]:
        """Run `flow` for `task`: the event stream for its asker (docs/contract.md, section 9 row 1).

        The task is canceled when the asker hangs up."""
        self._running[task.id] = task
        try:
            with watched(asker, task.cancel):
                yield events.encode({"type": "accepted", "task_id": task.id})
                yield from map(events.encode, task.run(flow))
                yield events.DONE
        finally:
            task.cancel()
            del self._running[task.id]

    def cancel(self, task_id: str) -> None:
        """Cancel the task of that id; an unknown one, or one that is over, is none the worse for it."""
        task = self._running.get(task_id)
        if task:
            task.cancel()
