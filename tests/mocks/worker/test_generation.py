"""A generation: its events, its pace on the clock, and why it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mocks.worker import model
from mocks.worker.generation import Generation, Job
from mocks.worker.inference import Inference
from tests.mocks.worker.hand_clock import START_US, HandClock

PROMPT = "write a short story"
LIMIT_S = 20


class Run:
    """One job with the model of these tests."""

    def __init__(self, path: Path) -> None:
        self._model = model.read(model.find(path))
        self.jobs: list[Job] = []

    def job(self, prompt: str = PROMPT, max_tokens: int = 20, stop: tuple[str, ...] = ()) -> Job:
        job = Job(Inference("job-1", prompt, max_tokens, 42, stop))
        self.jobs.append(job)
        return job

    def events(self, job: Job) -> Iterator[dict[str, Any]]:
        return Generation(job, self._model).events()

    def all(self, **asked: Any) -> list[dict[str, Any]]:
        return list(self.events(self.job(**asked)))


@pytest.fixture
def run(model_path: Path) -> Iterator[Run]:
    made = Run(model_path)
    yield made
    for job in made.jobs:
        job.close()


def tokens(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == "token"]


def test_twenty_tokens_take_two_seconds(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    events = run.all(max_tokens=20)

    assert [event["i"] for event in tokens(events)] == list(range(20))
    assert events[-1] == {"type": "end", "tokens_out": 20, "decode_time_ms": 2000, "stop_reason": "MAX_TOKENS"}
    assert hand_clock.passed_s == pytest.approx(2.0)


def test_every_token_after_the_first_begins_with_a_blank(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    told = tokens(run.all(max_tokens=6))

    assert [event["t"] for event in told][:4] == ["write", " a", " short", " story"]
    assert all(event["t"].startswith(" ") for event in told[1:])


def test_the_start_is_told_before_the_first_token(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    events = run.all(max_tokens=1)

    assert events[0] == {
        "type": "started",
        "job_id": "job-1",
        "model": "TinyLlama 1.1B Chat v1.0",
        "started_at": str(START_US // 1_000_000),
    }
    assert [event["human"] for event in events[1:4]] == [
        "🚀 Starting inference (prompt: 19 chars, max_tokens: 1)",
        "🍰 Tokenized prompt (4 tokens)",
        "🧹 Reset KV cache for fresh start",
    ]


def test_every_tenth_token_and_the_completion_are_narrated(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    events = run.all(max_tokens=20)

    narrated = [event["human"] for event in events if event["type"] == "narration"]
    assert narrated[3:] == [
        "🎯 Generated 10 tokens",
        "🎯 Generated 20 tokens",
        "🎉 Inference complete! 20 tokens in 2000ms (10 tok/s)",
    ]


def test_the_end_token_ends_the_text_and_is_not_told(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    events = run.all(prompt=f"{PROMPT} </s>", max_tokens=20)

    assert len(tokens(events)) == 4
    assert (events[-1]["tokens_out"], events[-1]["stop_reason"]) == (4, "EOS")


def test_a_stop_sequence_ends_the_text_before_the_token_that_completes_it(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    events = run.all(stop=("nowhere", "a short"))

    assert [event["t"] for event in tokens(events)] == ["write", " a"]
    assert events[-1]["stop_reason"] == "STOP_SEQUENCE"
    assert events[-1]["stop_sequence_matched"] == "a short"


def test_without_a_stop_sequence_none_is_named(run: Run, hand_clock: HandClock) -> None:
    hand_clock.flow()

    assert "stop_sequence_matched" not in run.all(max_tokens=1)[-1]


def test_a_canceled_job_has_no_further_token_and_waits_no_longer(run: Run, hand_clock: HandClock) -> None:
    job = run.job()
    told: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: told.extend(run.events(job)))
    thread.start()
    hand_clock.move(0.1)

    job.cancel()
    thread.join(LIMIT_S)

    assert not thread.is_alive()
    assert len(tokens(told)) <= 1
    assert told[-1]["stop_reason"] == "CANCELLED"
    assert hand_clock.passed_s == pytest.approx(0.1)


def test_a_job_can_be_canceled_before_it_begins_and_twice(run: Run) -> None:
    job = run.job()

    job.cancel()
    job.cancel()

    assert tokens(list(run.events(job))) == []
