"""A request for an inference: what it may leave out, and how all that is wrong with it is told."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException

from mocks.common import serve
from mocks.worker import inference

APP = serve.application("test")
SOUND = {"job_id": "job-1", "prompt": "write a short story", "max_tokens": 20}


def read(**changes: Any) -> inference.Inference:
    """The inference of a sound request with `changes`; a value of `...` leaves the field out."""
    asked = {name: value for name, value in {**SOUND, **changes}.items() if value is not ...}
    with APP.test_request_context("/v1/inference", method="POST", json=asked):
        return inference.read(flask.request)


def refusal(**changes: Any) -> tuple[int, Any]:
    """Status and body with which a request is refused; the body is the list of violations where there is one."""
    with pytest.raises(HTTPException) as refused:
        read(**changes)
    response = refused.value.get_response()
    text = response.get_data(as_text=True)
    return response.status_code, json.loads(text)["errors"] if response.is_json else text


def test_what_is_left_out_has_its_default() -> None:
    assert read() == inference.Inference("job-1", "write a short story", 20, seed=42, stop=())


def test_what_is_given_counts() -> None:
    expected = inference.Inference("job-1", "write a short story", 20, seed=7, stop=("end", "."))

    assert read(seed=7, stop=["end", "."]) == expected


def test_an_unknown_field_is_ignored() -> None:
    assert read(stream=True) == read()


@pytest.mark.parametrize("job_id", [..., None])
def test_a_request_without_a_job_id_gets_a_new_one(job_id: Any) -> None:
    first, second = read(job_id=job_id), read(job_id=job_id)

    assert first.job_id.startswith("job-")
    assert first.job_id != second.job_id


@pytest.mark.parametrize("name", ["prompt", "max_tokens"])
def test_a_missing_field_is_422(name: str) -> None:
    status, text = refusal(**{name: ...})

    assert status == 422
    assert f"missing field `{name}`" in text


@pytest.mark.parametrize(
    ("changes", "violation"),
    [
        ({"job_id": ""}, ("job_id", "non_empty", "job_id must not be empty", "")),
        ({"prompt": ""}, ("prompt", "length(1..=32768)", "prompt must not be empty", None)),
        (
            {"prompt": "x" * 32769},
            ("prompt", "length(1..=32768)", "prompt must be at most 32768 characters (got 32769)", None),
        ),
        ({"max_tokens": 0}, ("max_tokens", "range(1..=2048)", "max_tokens must be at least 1", "0")),
        (
            {"max_tokens": 2049},
            ("max_tokens", "range(1..=2048)", "max_tokens must be at most 2048 (got 2049)", "2049"),
        ),
        (
            {"temperature": 2.5},
            ("temperature", "range(0.0..=2.0)", "temperature must be at most 2.0 (got 2.5)", "2.5"),
        ),
        ({"temperature": -5}, ("temperature", "range(0.0..=2.0)", "temperature must be at least 0.0 (got -5)", "-5")),
        ({"top_p": 1.5}, ("top_p", "range(0.0..=1.0)", "top_p must be at most 1.0 (got 1.5)", "1.5")),
        ({"min_p": -1.0}, ("min_p", "range(0.0..=1.0)", "min_p must be at least 0.0 (got -1)", "-1")),
        (
            {"repetition_penalty": 3},
            ("repetition_penalty", "range(0.0..=2.0)", "repetition_penalty must be at most 2.0 (got 3)", "3"),
        ),
        ({"stop": list("abcde")}, ("stop", "max_count(4)", "stop must have at most 4 sequences (got 5)", "5")),
        ({"stop": [""]}, ("stop[0]", "non_empty", "stop sequence 0 must not be empty", None)),
        (
            {"stop": ["a", "ä" * 51]},
            ("stop[1]", "max_length(100)", "stop sequence 1 must be at most 100 bytes (got 102)", None),
        ),
    ],
)
def test_a_violation_is_told_in_full(changes: dict[str, Any], violation: tuple[str, str, str, str | None]) -> None:
    field, constraint, message, value = violation
    told = {"field": field, "constraint": constraint, "message": message}

    assert refusal(**changes) == (400, [told if value is None else {**told, "value": value}])


def test_all_violations_come_in_one_list() -> None:
    status, violations = refusal(job_id="", prompt="", max_tokens=0, temperature=9)

    assert status == 400
    assert [violation["field"] for violation in violations] == ["job_id", "prompt", "max_tokens", "temperature"]


@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    max_tokens=st.integers(1, 2048),
    temperature=st.floats(0, 2) | st.integers(0, 2),
    seed=st.none() | st.integers(0, 2**64 - 1),
    stop=st.lists(st.text(st.characters(codec="ascii"), min_size=1, max_size=100), max_size=4),
)
def test_whatever_is_within_the_limits_is_taken(
    prompt: str, max_tokens: int, temperature: float, seed: int | None, stop: list[str]
) -> None:
    asked = read(prompt=prompt, max_tokens=max_tokens, temperature=temperature, seed=seed, stop=stop)

    assert (asked.prompt, asked.max_tokens, asked.stop) == (prompt, max_tokens, tuple(stop))
