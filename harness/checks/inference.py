"""What Then steps want to see of an inference on a worker. Every function raises AssertionError with what was seen.

A user's own request is told from another user's by its prompt, which is TEST-001's."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

from behave.model import Table

from harness import expect, fixtures
from harness.checks import shown
from harness.evidence import Evidence
from harness.evidence.exchanges import Exchange


def requests(evidence: Evidence) -> list[Exchange]:
    """The user's requests to a worker, in order, once the user's program has ended; at least one."""
    evidence.exit_code()
    asked = evidence.exchanges(role="worker", method="POST", path="/v1/inference")
    users = [one for one in asked if isinstance(one.sent, dict) and one.sent.get("prompt") == fixtures.PROMPT]
    assert users, f"no request of the user reached a worker; seen: {', '.join(map(str, evidence.exchanges()))}"
    return users


def tokens(answer: Exchange) -> list[tuple[int, dict[str, Any]]]:
    """The tokens that passed from the worker, each with the time at which it did."""
    return [(at_us, payload) for at_us, payload in answer.timed_payloads if payload.get("type") == "token"]


def expect_request(evidence: Evidence, worker_id: str, table: Table) -> None:
    """The worker was asked once for these things, with the API key that its hive gave it on its command line."""
    asked = requests(evidence)
    expect.equal("how often the worker was asked", len(asked), 1)
    expect.members("the request to the worker", asked[0].said, table[0].as_dict())
    living = evidence.processes("llm-worker-rbee")
    key = next((worker.option("--api-key") for worker in living if worker.option("--worker-id") == worker_id), None)
    assert key, f"{worker_id} has no key; the workers that live: {', '.join(map(str, living)) or 'none'}"
    expect.equal("its Authorization", asked[0].headers.get("authorization"), f"Bearer {key}")


def expect_answer(evidence: Evidence, status: int, content_type: str) -> None:
    """The worker answered the user's request with this status and content type."""
    answer = requests(evidence)[-1]
    expect.equal("the worker's status", answer.status, status)
    expect.equal("the content type", answer.answer_headers.get("content-type"), content_type)


def expect_stream(evidence: Evidence, first: int, last: int, count: int, took_ms: int) -> None:
    """The worker's stream has tokens with the indexes `first` to `last`, then a record of its end, which counts `count`
    tokens in `took_ms` milliseconds, then the end mark."""
    answer = requests(evidence)[-1]
    indexes = [token["i"] for _, token in tokens(answer)]
    expect.equal("the indexes of the tokens", indexes, list(range(first, last + 1)))
    assert answer.end_mark, f"the stream has no end mark; it ends with {answer.events[-2:]}"
    end = answer.payloads[-1]
    expect.equal("the type of the last record", end.get("type"), "end")
    expect.equal("the tokens that it counts", end.get("tokens_out"), count)
    expect.delay("the time that it tells", end["decode_time_ms"] * 1000, took_ms * 1000, real=evidence.real)


def expect_shown_at_once(evidence: Evidence) -> None:
    """Each token that passed from the worker was on stdout in the moment in which it did."""
    made = tokens(requests(evidence)[-1])
    assert made, "no token passed from the worker"
    texts = list(accumulate(token["t"] for _, token in made))
    for (at_us, token), text in zip(made, texts, strict=True):
        shown_us = shown.printed_at(evidence, text, texts[-1])
        assert shown_us is not None, f"stdout is {evidence.printed('stdout')!r}; it never showed {text!r}"
        expect.delay(f"token {token['i']} on stdout", shown_us - at_us, 0, real=evidence.real)


def expect_first_token(evidence: Evidence, limit_s: int) -> None:
    """The first token was on stdout at most so many seconds after the user's program had begun."""
    evidence.exit_code()
    keeper, made = evidence.run(), tokens(requests(evidence)[-1])
    assert made, "no token passed from the worker"
    shown_us = shown.printed_at(evidence, made[0][1]["t"], "".join(token["t"] for _, token in made))
    assert shown_us is not None, f"{keeper} did not print the first token to stdout"
    took_us = shown_us - keeper.started_at_us
    assert took_us <= limit_s * 1_000_000, f"the first token was there after {took_us / 1e6:.6f} s, not {limit_s} s"


def expect_states(evidence: Evidence, node: str, worker_id: str, states: list[str]) -> None:
    """The hive of `node` was told that the worker is in these states, in this order, and took it."""
    told = evidence.exchanges(node=node, role="hive", method="POST", path="/v1/workers/state", status=200)
    seen = [one.said["state"] for one in told if one.said["worker_id"] == worker_id]
    expect.equal(f"the states of {worker_id}", seen, states)


def expect_refusals(evidence: Evidence, table: Table) -> None:
    """The worker refused the user's requests, each with this status, and with an error that has these members."""
    wanted = table[0].as_dict()
    for asked in requests(evidence):
        expect.members(f"the answer to {asked}", {"status": asked.status, **asked.answered.get("error", {})}, wanted)


def expect_retries(evidence: Evidence, status: int, delays_s: list[int]) -> None:
    """The user's request was made once, and again so long after each answer; each answer had this status."""
    asked = requests(evidence)
    expect.equal("how it was answered", [one.status for one in asked], [status] * (1 + len(delays_s)))
    for (one, other), delay_s in zip(pairwise(asked), delays_s, strict=True):
        assert one.ended_at_us is not None, f"it was made again before it had ended: {one}"
        waited_us = other.asked_at_us - one.ended_at_us
        expect.delay(f"the wait before {other}", waited_us, delay_s * 1_000_000, real=evidence.real)
