"""How the keeper asks the queen."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import requests

from mocks.common import clock, events, http, retry
from mocks.common.errors import RbeeError
from mocks.keeper import config

URL = "http://localhost:8080"
"""Where every keeper finds its queen (docs/contract.md, section 1.2)."""

ATTEMPTS = 5
FIRST_DELAY_S = 0.2
"""A call that finds nobody is made again after 200, 400, 800 and 1600 ms (docs/contract.md, section 4.2)."""

ANSWER_LIMIT_S = 30
SILENCE_LIMIT_S = 600
"""How long a stream may say nothing: a model may load for five minutes, and a build takes its time."""


@contextlib.contextmanager
def asked(
    method: str, path: str, *, failing: str, limit_s: float | None = ANSWER_LIMIT_S, **content: Any
) -> Iterator[requests.Response]:
    """The queen's answer, of any status. `content` is the call's json, params, headers or stream, as requests has them.

    `limit_s` limits each wait for bytes. Raises RbeeError, whose message begins with `failing` ("Failed to list
    workers"), when nobody answers.
    """
    url = f"{URL}{path}"
    policy = retry.backoff(ATTEMPTS, FIRST_DELAY_S, sleep=clock.sleep)
    with http.session(api_key=config.api_key(), retry=policy) as session:
        try:
            response = session.request(method, url, timeout=limit_s, **content)
        except requests.Timeout as failure:
            message = f"{failing}: queen-rbee at {URL} did not answer within {limit_s:g} s"
            raise RbeeError("REQUEST_TIMEOUT", message) from failure
        except requests.RequestException as failure:
            message = (
                f"{failing} after {ATTEMPTS} attempts: error sending request for url ({url})\n"
                "Suggestion: Check if queen-rbee is running"
            )
            raise RbeeError("QUEEN_UNREACHABLE", message) from failure
        with response:
            yield response


def document(response: requests.Response, *needs: str) -> dict[str, Any]:
    """The JSON object in an answer, which has the members `needs`. Raises RbeeError when it has not."""
    try:
        told = response.json()
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _unreadable("it is no JSON object")
    for name in needs:
        if name not in told:
            raise _unreadable(f"missing field `{name}`")
    return told


def rows(response: requests.Response, name: str) -> list[dict[str, Any]]:
    """The list of objects that an answer has under `name`. Raises RbeeError when it has none."""
    told = document(response, name)[name]
    if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
        raise _unreadable(f"`{name}` is no list of objects")
    return told


def _unreadable(reason: str) -> RbeeError:
    return RbeeError("INVALID_RESPONSE", f"Failed to parse response from queen-rbee\n\nCaused by:\n    {reason}")


def refusal(response: requests.Response, failing: str) -> RbeeError:
    """The error of an answer whose status is one: what its envelope says, else the status and text of the answer."""
    with contextlib.suppress(ValueError, RecursionError):
        return RbeeError.from_envelope(response.json(), response.status_code)
    text = f" - {response.text}" if response.text else ""
    return RbeeError(
        "REFUSED", f"{failing}: HTTP {http.status_text(response.status_code)}{text}", status=response.status_code
    )


def stream(response: requests.Response) -> Iterator[dict[str, Any]]:
    """The events of a streamed answer, as they arrive; what is no event is passed over.

    At its end it raises RbeeError: the one that an error event told, or STREAM_BROKEN when there was no end mark.
    """
    failure: RbeeError | None = None
    done = False
    with contextlib.suppress(requests.RequestException):
        for payload in events.read(response):
            done = done or payload == "[DONE]"
            event = None if done else _event(payload)
            if event and event.get("type") == "error":
                failure = _error(event)
            elif event:
                yield event
    if not failure and not done:
        failure = RbeeError("STREAM_BROKEN", "SSE stream closed unexpectedly")
    if failure:
        raise failure


def _event(payload: str) -> dict[str, Any] | None:
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _error(event: dict[str, Any]) -> RbeeError:
    try:
        return RbeeError.from_event(event)
    except ValueError:
        return RbeeError("INTERNAL_ERROR", f"queen-rbee told of an error without a code: {event}")
