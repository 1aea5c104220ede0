"""What a warm parent rehearses."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from mocks.common import errors, events, rehearsal


def test_nothing_is_left_of_a_rehearsal() -> None:
    before = threading.active_count(), os.listdir("/proc/self/fd")

    rehearsal.rehearse()

    assert (threading.active_count(), os.listdir("/proc/self/fd")) == before


def test_requests_answers_failures_and_streams_are_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[int] = []
    streamed: list[Any] = []
    from_envelope, encode = errors.RbeeError.from_envelope, events.encode

    def failing(envelope: Any, status: int) -> errors.RbeeError:
        failed.append(status)
        return from_envelope(envelope, status)

    def encoding(payload: Any) -> bytes:
        streamed.append(payload)
        return encode(payload)

    monkeypatch.setattr(errors.RbeeError, "from_envelope", failing)
    monkeypatch.setattr(events, "encode", encoding)

    rehearsal.rehearse()

    assert failed == [404] * rehearsal.TIMES
    assert len(streamed) == rehearsal.TIMES**2
