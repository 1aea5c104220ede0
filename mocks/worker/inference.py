"""A request for an inference, and everything that can be wrong with it (docs/contract.md, section 2.3)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import flask

from mocks.common import fields
from mocks.common.fields import Field

PROMPT_CHARACTERS = 32768
TOKENS = 2048
STOP_SEQUENCES = 4
STOP_BYTES = 100
DEFAULT_SEED = 42

FIELDS = (
    Field("job_id", required=False, nullable=True),
    Field("prompt"),
    Field("max_tokens", "u32"),
    Field("temperature", "f32", required=False, default=1.0),
    Field("seed", "u64", required=False, nullable=True),
    Field("top_p", "f32", required=False, default=1.0),
    Field("top_k", "u32", required=False, default=0),
    Field("repetition_penalty", "f32", required=False, default=1.0),
    Field("stop", "strs", required=False, default=[]),
    Field("min_p", "f32", required=False, default=0.0),
)

Violation = dict[str, str]


@dataclass(frozen=True)
class Inference:
    """What is asked for. The sampler's settings are checked and no more: to the stand-in's model words are alike."""

    job_id: str
    prompt: str
    max_tokens: int
    seed: int
    stop: tuple[str, ...]


def read(request: flask.Request) -> Inference:
    """The inference that a request asks for.

    One without a job_id gets a new one. Aborts the request with 422 for a field that is missing or of another type, and
    with 400 and all violations in one list, `{"errors": [{"field", "constraint", "message", "value"?}]}`."""
    asked = fields.body(request, *FIELDS)
    violations = list(_violations(asked))
    if violations:
        _refuse(violations)
    return Inference(
        job_id=f"job-{uuid.uuid4()}" if asked["job_id"] is None else asked["job_id"],
        prompt=asked["prompt"],
        max_tokens=asked["max_tokens"],
        seed=DEFAULT_SEED if asked["seed"] is None else asked["seed"],
        stop=tuple(asked["stop"]),
    )


def _refuse(violations: list[Violation]) -> NoReturn:
    answer = flask.jsonify(errors=violations)
    answer.status_code = 400
    flask.abort(answer)


def _violations(asked: dict[str, Any]) -> Iterator[Violation]:
    if asked["job_id"] == "":
        yield _violation("job_id", "non_empty", "job_id must not be empty", "")
    yield from _prompt(asked["prompt"])
    yield from _max_tokens(asked["max_tokens"])
    yield from _range("temperature", asked["temperature"], 2)
    yield from _range("top_p", asked["top_p"], 1)
    yield from _range("repetition_penalty", asked["repetition_penalty"], 2)
    yield from _stop(asked["stop"])
    yield from _range("min_p", asked["min_p"], 1)


def _prompt(prompt: str) -> Iterator[Violation]:
    constraint = f"length(1..={PROMPT_CHARACTERS})"
    if not prompt:
        yield _violation("prompt", constraint, "prompt must not be empty")
    elif len(prompt) > PROMPT_CHARACTERS:
        message = f"prompt must be at most {PROMPT_CHARACTERS} characters (got {len(prompt)})"
        yield _violation("prompt", constraint, message)


def _max_tokens(tokens: int) -> Iterator[Violation]:
    constraint = f"range(1..={TOKENS})"
    if tokens < 1:
        yield _violation("max_tokens", constraint, "max_tokens must be at least 1", str(tokens))
    elif tokens > TOKENS:
        message = f"max_tokens must be at most {TOKENS} (got {tokens})"
        yield _violation("max_tokens", constraint, message, str(tokens))


def _range(field: str, number: float, most: int) -> Iterator[Violation]:
    constraint = f"range(0.0..={most}.0)"
    if number < 0:
        yield _violation(field, constraint, f"{field} must be at least 0.0 (got {number:g})", f"{number:g}")
    elif number > most:
        yield _violation(field, constraint, f"{field} must be at most {most}.0 (got {number:g})", f"{number:g}")


def _stop(sequences: list[str]) -> Iterator[Violation]:
    count = len(sequences)
    if count > STOP_SEQUENCES:
        message = f"stop must have at most {STOP_SEQUENCES} sequences (got {count})"
        yield _violation("stop", f"max_count({STOP_SEQUENCES})", message, str(count))
    for number, sequence in enumerate(sequences):
        size = len(sequence.encode("utf-8", "replace"))
        if not size:
            yield _violation(f"stop[{number}]", "non_empty", f"stop sequence {number} must not be empty")
        elif size > STOP_BYTES:
            message = f"stop sequence {number} must be at most {STOP_BYTES} bytes (got {size})"
            yield _violation(f"stop[{number}]", f"max_length({STOP_BYTES})", message)


def _violation(field: str, constraint: str, message: str, value: str | None = None) -> Violation:
    violation = {"field": field, "constraint": constraint, "message": message}
    return violation if value is None else {**violation, "value": value}
