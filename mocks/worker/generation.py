"""One inference under way: a token every 100 ms, until the text is long enough, ends, or is not wanted any more."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from typing import Any

from mocks.common import clock, events
from mocks.worker.inference import Inference
from mocks.worker.model import Model

TOKEN_S = 0.1
"""The pace of the stand-in: docs/contract.md, section 9 row 13."""
MILESTONE_TOKENS = 10

Event = dict[str, Any]


class Job:
    """An inference that occupies the worker's slot, and may be canceled by any thread."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        self._ear, self._bell = socket.socketpair()

    def cancel(self) -> None:
        """Generate no further token. Harmless when there is none to come."""
        # What reads from the other end finds the end of its input, now and always.
        self._bell.close()

    def close(self) -> None:
        """Give back what the job holds, once nobody works on it."""
        self._bell.close()
        self._ear.close()

    def compute(self, until_us: int) -> bool:
        """Take time until this moment. False, at once, when the job is canceled."""
        try:
            with clock.limit((until_us - clock.now_us()) / 1_000_000) as limited:
                limited.wait_readable(self._ear)
        except TimeoutError:
            return True
        return False


class Generation:
    """The text of a job as it comes from the model, and why it ended."""

    def __init__(self, job: Job, model: Model) -> None:
        self._job = job
        self._model = model
        self._tokens_out = 0
        self._stop_reason = "MAX_TOKENS"
        self._stop_sequence: str | None = None

    def events(self) -> Iterator[Event]:
        """The events of the job's stream, up to its `end` (docs/contract.md, section 2.3)."""
        inference = self._job.inference
        tokens = self._model.tokenize(inference.prompt)
        began_us = clock.now_us()
        started_at = str(began_us // 1_000_000)
        yield {"type": "started", "job_id": inference.job_id, "model": self._model.name, "started_at": started_at}
        start = f"🚀 Starting inference (prompt: {len(inference.prompt)} chars, max_tokens: {inference.max_tokens})"
        yield events.narration("candle-backend", start)
        yield events.narration("tokenizer", f"🍰 Tokenized prompt ({len(tokens)} tokens)")
        yield events.narration("candle-backend", "🧹 Reset KV cache for fresh start")
        yield from self._text(tokens, began_us)
        took_ms = (clock.now_us() - began_us) // 1000
        rate = round(self._tokens_out * 1000 / max(took_ms, 1))
        complete = f"🎉 Inference complete! {self._tokens_out} tokens in {took_ms}ms ({rate} tok/s)"
        yield events.narration("candle-backend", complete)
        end = {"type": "end", "tokens_out": self._tokens_out, "decode_time_ms": took_ms}
        matched = {} if self._stop_sequence is None else {"stop_sequence_matched": self._stop_sequence}
        yield {**end, "stop_reason": self._stop_reason, **matched}

    def _text(self, prompt: list[int], began_us: int) -> Iterator[Event]:
        inference = self._job.inference
        text = ""
        tokens = itertools.islice(self._model.generate(prompt, inference.seed), inference.max_tokens)
        for number, token in enumerate(tokens, start=1):
            # Counted from the beginning: what each token takes beside its pace must not add up.
            if not self._job.compute(began_us + round(number * TOKEN_S * 1_000_000)):
                self._stop_reason = "CANCELLED"
                return
            if token == self._model.eos_token_id:
                self._stop_reason = "EOS"
                return
            piece = f"{' ' if text else ''}{self._model.text(token)}"
            text += piece
            self._stop_sequence = next((sequence for sequence in inference.stop if sequence in text), None)
            if self._stop_sequence is not None:
                self._stop_reason = "STOP_SEQUENCE"
                return
            yield {"type": "token", "t": piece, "i": self._tokens_out}
            self._tokens_out += 1
            if self._tokens_out % MILESTONE_TOKENS == 0:
                yield events.narration("candle-backend", f"🎯 Generated {self._tokens_out} tokens")
