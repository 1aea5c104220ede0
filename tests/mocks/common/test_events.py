"""Event streams, written and read."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.response import HTTPResponse

from mocks.common import events

PAYLOADS = st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text()), max_size=5)


def streamed(body: bytes) -> requests.Response:
    """A streamed answer whose body is not chunked."""
    response = requests.Response()
    response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    return response


def chunked(chunks: Iterable[bytes]) -> requests.Response:
    """A streamed answer that arrives in these chunks."""
    response = requests.Response()
    response.headers["Transfer-Encoding"] = "chunked"
    response.iter_content = lambda *_: iter(chunks)  # type: ignore[method-assign]
    return response


def test_an_event_is_one_data_line_of_compact_json_and_a_blank_line() -> None:
    event = events.encode({"t": " ü", "i": 1})

    assert event == 'data: {"t":" ü","i":1}\n\n'.encode()


def test_narration_names_its_actor() -> None:
    payload = events.narration("queen-rbee", "hello")

    assert payload == {"type": "narration", "actor": "queen-rbee", "human": "hello"}


@given(PAYLOADS, st.lists(st.integers(0, 200), max_size=9))
def test_what_was_written_is_read_however_it_was_cut(payloads: list[dict[str, object]], cuts: list[int]) -> None:
    body = b"".join(map(events.encode, payloads)) + events.DONE
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]

    *read, mark = events.read(chunked(body[start:end] for start, end in itertools.pairwise(edges)))

    assert [json.loads(payload) for payload in read] == payloads
    assert mark == "[DONE]"


def test_an_event_is_read_before_the_next_piece_arrives() -> None:
    arrived: list[int] = []

    def pieces() -> Iterable[bytes]:
        for number in range(2):
            arrived.append(number)
            yield events.encode({"i": number})

    first = next(iter(events.read(chunked(pieces()))))

    assert (first, arrived) == ('{"i":0}', [0])


@pytest.mark.parametrize(
    ("body", "payloads"),
    [
        (b":\n\ndata: a\n\n:\n\n", ["a"]),
        (b"data: a\r\n\r\n", ["a"]),
        (b"data:a\n\n", ["a"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"event: token\ndata: a\n\n", ["a"]),
        (b"data: a\n\ndata: cut sho", ["a"]),
        (b"", []),
    ],
)
def test_forms_of_a_stream(body: bytes, payloads: list[str]) -> None:
    read = list(events.read(streamed(body)))

    assert read == payloads
