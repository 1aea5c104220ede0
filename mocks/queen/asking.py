"""How the queen asks hives and workers: answers, failures, event streams, and limits that span several calls."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from mocks.common import clock, events, http
from mocks.common.errors import RbeeError


class StreamError(Exception):
    """An event stream ended without its end mark, fell silent, or said something unreadable."""


class Deadline:
    """A moment on the clock that several waits share, `limit_s` seconds from now."""

    def __init__(self, limit_s: float) -> None:
        self._due_us = clock.now_us() + round(limit_s * 1_000_000)

    def left_s(self, at_most_s: float = float("inf")) -> float:
        """Seconds until the deadline, but not more than `at_most_s`. Raises TimeoutError when none are left."""
        left_us = self._due_us - clock.now_us()
        if left_us <= 0:
            raise TimeoutError
        return min(left_us / 1_000_000, at_most_s)


def ask(
    http: requests.Session,
    method: str,
    url: str,
    *,
    purpose: str,
    limit_s: float,
    body: Mapping[str, Any] | None = None,
    needs: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The JSON object that `url` answers within `limit_s` seconds, which has at least the members `needs`.

    `purpose` begins the message of a failure ("Worker spawn"). Raises RbeeError: HIVE_UNREACHABLE when nobody answers,
    else as `answer` does.
    """
    try:
        response = http.request(method, url, json=body, timeout=limit_s)
    except requests.RequestException as error:
        raise RbeeError("HIVE_UNREACHABLE", f"{purpose} request failed: {unsent(url)}", status=503) from error
    return answer(response, purpose=purpose, needs=needs)


def unsent(url: str) -> str:
    """What rbee says of a request that got no answer."""
    return f"error sending request for url ({url})"


def answer(response: requests.Response, *, purpose: str, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON object in a good answer.

    Raises RbeeError for a failed one, and for one that lacks a member of `needs`."""
    if not response.ok:
        raise failure(response, purpose=purpose)
    try:
        told = response.json()
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not all(name in told for name in needs):
        raise RbeeError("INTERNAL_ERROR", f"{purpose} parse error: error decoding response body")
    return told


def failure(response: requests.Response, *, purpose: str) -> RbeeError:
    """The error that a failed answer tells: its envelope's, or one made of its status and text."""
    try:
        return RbeeError.from_envelope(response.json(), response.status_code)
    except (ValueError, RecursionError):
        text = f": {response.text}" if response.text else ""
        message = f"{purpose} failed: HTTP {http.status_text(response.status_code)}{text}"
        return RbeeError("INTERNAL_ERROR", message, status=response.status_code)


@contextlib.contextmanager
def watched(http: requests.Session, url: str, *, purpose: str, silence_s: float) -> Iterator[requests.Response]:
    """The stream at `url`, which may be silent for `silence_s` seconds at a time: for `read`.

    Raises RbeeError when the answer is a failure, StreamError when there is none."""
    try:
        response = http.get(url, stream=True, timeout=silence_s)
    except requests.RequestException as error:
        raise StreamError(unsent(url)) from error
    with response:
        if not response.ok:
            raise failure(response, purpose=purpose)
        yield response


@contextlib.contextmanager
def broken_off(response: requests.Response, *, after_s: float) -> Iterator[None]:
    """While the block runs, break `response` off `after_s` seconds from now: a limit on the whole of a stream."""
    over, ended = socket.socketpair()

    def watch() -> None:
        try:
            with clock.limit(after_s) as limited:
                limited.wait_readable(ended)
        except TimeoutError:
            # What has been read to its end is gone already.
            with contextlib.suppress(RuntimeError, OSError):
                response.raw.shutdown()

    watcher = threading.Thread(target=watch, daemon=True, name="limit")
    watcher.start()
    try:
        yield
    finally:
        over.close()
        watcher.join()
        ended.close()


def read(response: requests.Response) -> Iterator[dict[str, Any]]:
    """The events of a stream up to its end mark, as they arrive. Raises StreamError when it ends in another way."""
    try:
        for payload in events.read(response):
            if payload == "[DONE]":
                return
            yield _event(payload)
    except requests.RequestException as error:
        raise StreamError(str(error)) from error
    raise StreamError("the stream ended without its end mark")


def _event(payload: str) -> dict[str, Any]:
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise StreamError(f"not JSON: {payload}") from error
    if not isinstance(event, dict):
        raise StreamError(f"not an event: {payload}")
    return event
