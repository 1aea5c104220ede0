"""Whole events of a stream that arrives in pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.world.eventstream import EVENT_BYTES, EventSplitter, LineSplitter


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b'data: {"t":"A"}\n\n', ['{"t":"A"}']),
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data:a\n\n", ["a"]),
        (b"data:  a\n\n", [" a"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"event: token\nid: 3\ndata: a\n\n", ["a"]),
        (b":\n\n", [None]),
        (b": keep-alive\r\n\r\ndata: a\n\n", [None, "a"]),
        (b"data: a\n\n\n\n\ndata: b\n\n", ["a", "b"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        ("data: a\u2028b\u0085c\n\n".encode(), ["a\u2028b\u0085c"]),
        (b"data: a\n", []),
        (b"data: a\n\ndata: b", ["a"]),
    ],
)
def test_events_of_a_stream(stream: bytes, events: list[str | None]) -> None:
    splitter = EventSplitter()

    found = splitter.feed(stream)

    assert found == events


def test_an_event_is_found_with_its_last_byte() -> None:
    splitter = EventSplitter()

    found = [splitter.feed(piece) for piece in (b"data: a\r\n\r", b"\n", b"data", b": b\n\n")]

    assert found == [[], ["a"], [], ["b"]]


LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)
EVENT = st.tuples(st.lists(LINE, min_size=1, max_size=3), st.sampled_from(["\n", "\r\n"]))


@given(st.lists(EVENT), st.lists(st.integers(0, 400)))
def test_the_borders_of_pieces_change_nothing(events: list[tuple[list[str], str]], borders: list[int]) -> None:
    stream = "".join("".join(f"data: {line}{end}" for line in lines) + end for lines, end in events).encode()
    splitter = EventSplitter()

    cuts = [0, *sorted(border for border in borders if border < len(stream)), len(stream)]
    pieces = [stream[begin:end] for begin, end in itertools.pairwise(cuts)]
    found = [event for piece in pieces for event in splitter.feed(piece)]

    assert found == ["\n".join(lines) for lines, _ in events]


@given(st.lists(st.binary()))
def test_any_pieces_give_what_the_whole_gives(pieces: list[bytes]) -> None:
    whole = EventSplitter().feed(b"".join(pieces))

    splitter = EventSplitter()
    found = [event for piece in pieces for event in splitter.feed(piece)]

    assert found == whole


@given(st.lists(st.sampled_from([b"data: a", b":", b"\n", b"\r", b"\r\n", b"x"])))
def test_any_borders_between_line_ends_give_what_the_whole_gives(pieces: list[bytes]) -> None:
    whole = EventSplitter().feed(b"".join(pieces))

    splitter = EventSplitter()
    found = [event for piece in pieces for event in splitter.feed(piece)]

    assert found == whole


def test_lines_are_found_in_pieces() -> None:
    splitter = LineSplitter()

    assert [splitter.feed(piece) for piece in (b"one\ntw", b"o\r", b"\n", b"thr")] == [["one"], [], ["two"], []]


def test_of_a_line_that_is_too_long_the_rest_is_left_out() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"x" * EVENT_BYTES) == []
    assert splitter.feed(b"y\nlast\n") == ["x" * EVENT_BYTES, "last"]


@pytest.mark.parametrize("piece_bytes", [1 << 30, 100_000, 1000])
def test_of_an_event_that_is_too_long_nothing_is_kept_but_that_there_was_one(piece_bytes: int) -> None:
    splitter = EventSplitter()
    stream = b"data: first\n\ndata: " + b"x" * (3 * EVENT_BYTES) + b"\n\ndata: last\n\n"

    events: list[str | None] = []
    for begin in range(0, len(stream), piece_bytes):
        events += splitter.feed(stream[begin : begin + piece_bytes])

    assert events == ["first", None, "last"]


def test_of_an_event_without_end_not_more_is_kept_than_of_one_that_is_told() -> None:
    splitter = EventSplitter()

    for _ in range(100):
        splitter.feed(b"x" * EVENT_BYTES)

    assert len(splitter._rest) <= EVENT_BYTES
