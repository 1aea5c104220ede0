"""The retry policy of rbee: a doubling delay after connection errors, and after nothing else.

`urllib3.util.Retry` itself waits 0, 400, 800 ms where rbee waits 200, 400, 800, 1600 ms, and it sleeps on the wall
clock."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry


class Backoff(Retry):
    """A urllib3 retry policy: see `backoff`."""

    def __init__(
        self,
        *args: Any,
        first_delay_s: float = 0.2,
        wait: Callable[[float], None],
        on_retry: Callable[[int, float], None] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self.first_delay_s = first_delay_s
        self.wait = wait
        self.on_retry = on_retry

    def new(self, **changes: Any) -> Backoff:
        """The policy after one more error. urllib3 copies a policy at each step; ours keeps its own settings."""
        own = {"first_delay_s": self.first_delay_s, "wait": self.wait, "on_retry": self.on_retry}
        return super().new(**{**own, **changes})

    def get_backoff_time(self) -> float:
        """Seconds to wait before the next attempt: the first delay, doubled with each error after the first."""
        return float(self.first_delay_s * 2 ** (len(self.history) - 1))

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:  # noqa: ARG002
        """Wait before the next attempt, after telling `on_retry` its number (2 …) and the delay in seconds."""
        delay_s = self.get_backoff_time()
        if self.on_retry:
            self.on_retry(len(self.history) + 1, delay_s)
        self.wait(delay_s)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Backoff:
        """Count one error. Raises it when it is a timeout (the request may have been taken), MaxRetryError at the
        last."""
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)


def backoff(
    attempts: int,
    first_delay_s: float,
    *,
    sleep: Callable[[float], None],
    on_retry: Callable[[int, float], None] | None = None,
) -> Backoff:
    """A policy of `attempts` attempts in all, the first retry after `first_delay_s`, each later delay twice the one
    before.

    Only connection errors are retried, with every method, POST too; never an HTTP status, never a timeout. `sleep`
    waits (on whatever clock its owner has); `on_retry(attempt, delay_s)` hears of each retry before its delay. rbee's
    own figures: 5 attempts, 200 ms (docs/contract.md, section 4.2)."""
    return Backoff(
        total=attempts - 1,
        status=0,
        allowed_methods=None,
        respect_retry_after_header=False,
        raise_on_status=False,
        first_delay_s=first_delay_s,
        wait=sleep,
        on_retry=on_retry,
    )
