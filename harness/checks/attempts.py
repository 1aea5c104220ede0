"""What Then steps want to see of attempts to reach somebody who says nothing."""

from __future__ import annotations

from itertools import pairwise

from harness import expect
from harness.evidence import Evidence


def expect_attempts(evidence: Evidence, host: str, port: int, limit_s: int, delays_ms: list[int]) -> None:
    """`port` of `host` was tried once, and again so many milliseconds after each attempt had ended; each was swallowed,
    and given up after `limit_s` seconds. Raises AssertionError with what was seen."""
    evidence.exit_code()
    tried = evidence.exchanges(host=host, port=port)
    expect.equal(f"the attempts to reach {host}:{port}", [one.how for one in tried], ["swallowed"] * len(tried))
    expect.equal("how many there were", len(tried), 1 + len(delays_ms))
    for one in tried:
        assert one.ended_at_us is not None
        expect.period(f"given up: {one}", one.ended_at_us - one.asked_at_us, limit_s * 1_000_000, real=evidence.real)
    for (one, other), delay_ms in zip(pairwise(tried), delays_ms, strict=True):
        assert one.ended_at_us is not None
        expect.period(
            f"the wait before {other}", other.asked_at_us - one.ended_at_us, delay_ms * 1000, real=evidence.real
        )
