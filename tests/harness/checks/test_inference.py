"""An inference as its worker's stream and the user's terminal show it."""

from __future__ import annotations

from typing import Any

import pytest

from harness import fixtures
from harness.checks import inference as inference_seen
from harness.evidence import Evidence
from tests.harness import told

TOKENS = [{"type": "token", "t": text, "i": index} for index, text in enumerate(["write", " a"])]
END = {"type": "end", "tokens_out": 2, "decode_time_ms": 200}


def inference(*stream: Any, status: int = 200, prompt: str = fixtures.PROMPT) -> list[told.Event]:
    sent = {"prompt": prompt}
    return told.exchange("worker", "POST /v1/inference", {}, sent=sent, status=status, stream=stream)


def seen(*stream: Any, stdout: tuple[tuple[int, str], ...] = ((0, "write"), (0, " a"))) -> Evidence:
    return told.evidence(*inference(*stream), *told.keeper(*stdout))


def test_request_of_another_user_is_not_the_users() -> None:
    evidence = told.evidence(*inference(prompt="tell me a long story"), *told.keeper())

    with pytest.raises(AssertionError, match="no request of the user reached a worker"):
        inference_seen.requests(evidence)


def test_whole_stream_is_accepted() -> None:
    inference_seen.expect_stream(seen(*TOKENS, END), 0, 1, 2, 200)


@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        ([TOKENS[1], TOKENS[0], END], "the indexes of the tokens"),
        ([*TOKENS], "the type of the last record"),
        ([*TOKENS, {**END, "tokens_out": 3}], "the tokens that it counts"),
        ([*TOKENS, {**END, "decode_time_ms": 201}], "the time that it tells"),
    ],
)
def test_stream_that_is_not_as_wanted_is_told(stream: list[dict[str, Any]], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        inference_seen.expect_stream(seen(*stream), 0, 1, 2, 200)


def test_stream_without_its_end_mark_is_told() -> None:
    events = [event for event in inference(*TOKENS, END) if event.get("data") != "[DONE]"]

    with pytest.raises(AssertionError, match="the stream has no end mark"):
        inference_seen.expect_stream(told.evidence(*events, *told.keeper()), 0, 1, 2, 200)


def test_tokens_that_are_shown_as_they_come_are_accepted() -> None:
    inference_seen.expect_shown_at_once(seen(*TOKENS, END))


def test_token_that_is_shown_late_is_told() -> None:
    with pytest.raises(AssertionError, match=r"token 1 on stdout: wanted 0 s, seen 0\.000001 s"):
        inference_seen.expect_shown_at_once(seen(*TOKENS, END, stdout=((0, "write"), (1, " a"))))


def test_token_that_is_never_shown_is_told() -> None:
    with pytest.raises(AssertionError, match="it never showed 'write a'"):
        inference_seen.expect_shown_at_once(seen(*TOKENS, END, stdout=((0, "write"),)))


def retried(*delays_us: int, last: int = 503) -> Evidence:
    """A request that was made again after these delays."""
    events, at_us = inference(status=503), 0
    for number, delay_us in enumerate(delays_us, 1):
        at_us += delay_us
        events += told.later(at_us, inference(status=last if number == len(delays_us) else 503))
    return told.evidence(*events, *told.keeper())


def test_retries_with_the_wanted_delays_are_accepted() -> None:
    inference_seen.expect_retries(retried(1_000_000, 2_000_000), 503, [1, 2])


@pytest.mark.parametrize("second_us", [1_999_999, 2_000_001])
def test_delay_of_a_retry_is_exact(second_us: int) -> None:
    with pytest.raises(AssertionError, match=r"the wait before .*: wanted 2 s"):
        inference_seen.expect_retries(retried(1_000_000, second_us), 503, [1, 2])


@pytest.mark.parametrize("delays_us", [(1_000_000,), (1_000_000, 2_000_000, 4_000_000)])
def test_retry_too_few_or_too_many_is_told(delays_us: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError, match="how it was answered"):
        inference_seen.expect_retries(retried(*delays_us), 503, [1, 2])


def test_retry_that_succeeds_is_told() -> None:
    with pytest.raises(AssertionError, match=r"how it was answered: .* seen \[503, 503, 200\]"):
        inference_seen.expect_retries(retried(1_000_000, 2_000_000, last=200), 503, [1, 2])
