"""What a warm parent rehearses."""

from __future__ import annotations

import os
import threading

import pytest

from mocks.common import errors, events, rehearsal


def test_nothing_is_left_of_a_rehearsal() -> None:
    before = threading.active_count(), os.listdir("/proc/self/fd")

    rehearsal.rehearse()

    assert (threading.active_count(), os.listdir("/proc/self/fd")) == before


def test_requests_answers_failures_and_streams_are_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[int] = []
    read: list[bytes] = []
    from_envelope, encode = errors.RbeeError.from_envelope, events.encode
    monkeypatch.setattr(
        errors.RbeeError, "from_envelope", lambda *told: (failed.append(told[1]), from_envelope(*told))[1]
    )
    monkeypatch.setattr(events, "encode", lambda event: (read.append(encode(event)), read[-1])[1])

    rehearsal.rehearse()

    assert failed == [404] * rehearsal.TIMES
    assert len(read) == rehearsal.TIMES**2
