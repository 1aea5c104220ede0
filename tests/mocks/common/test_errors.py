"""The error of the stand-ins, and the forms in which it travels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.common.errors import RbeeError

DETAILS = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in ("code", "message", "status")), st.integers()
)


def test_envelope_holds_code_message_and_details() -> None:
    error = RbeeError("VRAM_EXHAUSTED", "Insufficient VRAM", status=507, required=6000, available=4000)

    envelope = error.envelope()

    assert envelope == {
        "error": {
            "code": "VRAM_EXHAUSTED",
            "message": "Insufficient VRAM",
            "details": {"required": 6000, "available": 4000},
        }
    }


def test_envelope_without_details_has_no_such_field() -> None:
    envelope = RbeeError("MISSING_API_KEY", "Missing API key", status=401).envelope()

    assert envelope == {"error": {"code": "MISSING_API_KEY", "message": "Missing API key"}}


def test_slots_of_a_busy_worker_stand_beside_the_code_and_under_details() -> None:
    error = RbeeError("ALL_SLOTS_BUSY", "Worker is busy", status=503, slots_total=1, slots_busy=1)

    told = error.envelope()["error"]

    assert (told["slots_total"], told["slots_busy"]) == (1, 1)
    assert told["details"] == {"slots_total": 1, "slots_busy": 1}


@given(st.text(), st.text(), DETAILS)
def test_an_event_tells_the_whole_error(code: str, message: str, details: dict[str, int]) -> None:
    sent = RbeeError(code, message or "?", **details)

    read = RbeeError.from_event(sent.event())

    assert (read.code, read.message, read.details) == (code, message or "?", details)


def test_envelope_read_with_its_status() -> None:
    sent = RbeeError("NODE_NOT_FOUND", "Node 'x' not registered", status=404, node="x")

    read = RbeeError.from_envelope(sent.envelope(), 404)

    assert (read.code, read.message, read.status, read.details) == (sent.code, sent.message, 404, {"node": "x"})


@pytest.mark.parametrize("body", [None, [], "text", {}, {"error": "text"}, {"error": {"code": 5}}])
def test_other_bodies_are_no_envelope(body: object) -> None:
    with pytest.raises(ValueError, match="not an error of rbee"):
        RbeeError.from_envelope(body, 500)
