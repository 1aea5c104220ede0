"""Relaying the log of a node's hive (docs/contract.md, section 9 row 4)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import flask
import requests

from mocks.common import http, peers
from mocks.common.errors import RbeeError
from mocks.common.serve import watched
from mocks.queen import asking
from mocks.queen.hives import Hive

ANSWER_LIMIT_S = 10
QUIET_LIMIT_S = 3600
"""A log that says nothing for an hour is not followed any longer."""


def relay(hive: Hive, api_key: str | None, *, follow: bool, asker: socket.socket) -> flask.Response:
    """The hive's log as an answer: line by line as it is written, until its end or until the asker hangs up.

    Raises RbeeError, CONNECTION_TIMEOUT (503) when the hive does not answer."""
    session = http.session(api_key=api_key)
    try:
        if follow:
            # What follows has hardly a limit, so it is first made sure that somebody is there.
            _get(session, hive, "/v1/health", limit_s=ANSWER_LIMIT_S).close()
        path, limit_s = ("/v1/logs?follow=true", QUIET_LIMIT_S) if follow else ("/v1/logs", ANSWER_LIMIT_S)
        log = _get(session, hive, path, limit_s=limit_s)
    except BaseException:
        session.close()
        raise
    answer = flask.Response(_lines(log, asker), content_type="text/plain; charset=utf-8")
    answer.call_on_close(log.close)
    answer.call_on_close(session.close)
    return answer


def _get(session: requests.Session, hive: Hive, path: str, *, limit_s: float) -> requests.Response:
    try:
        response = session.get(hive.url(path), stream=True, timeout=limit_s)
    except requests.RequestException as error:
        details = {"node": hive.node, "host": hive.host, "port": peers.hive_port()}
        message = f"Cannot connect to {hive.host}:{peers.hive_port()}"
        raise RbeeError("CONNECTION_TIMEOUT", message, status=503, **details) from error
    if not response.ok:
        raise asking.failure(response, purpose="Log request")
    return response


def _lines(log: requests.Response, asker: socket.socket) -> Iterator[bytes]:
    with watched(asker, lambda: _hang_up(log)):
        try:
            yield from log.iter_content(None)
        except requests.RequestException as error:
            # The answer breaks off, as the hive's did.
            raise ConnectionAbortedError("the hive's log broke off") from error


def _hang_up(log: requests.Response) -> None:
    """End an answer for a thread that waits for its next bytes; closing would not wake it. One that has ended already,
    or ends at this moment (OSError), needs nothing."""
    with contextlib.suppress(RuntimeError, OSError):
        log.raw.shutdown()
