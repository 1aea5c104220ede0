"""Event streams as a client of the worker reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from werkzeug.test import TestResponse
from werkzeug.wrappers import Response


def events(response: TestResponse) -> list[Any]:
    """The events of a stream to its end, `[DONE]` as None."""
    with response:
        assert response.status_code == 200
        *blocks, rest = response.get_data(as_text=True).split("\n\n")
    assert rest == ""
    payloads = [block.removeprefix("data: ") for block in blocks]
    return [None if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def pieces(response: Response) -> Iterator[str]:
    """The pieces of a stream, as they come."""
    return (piece.decode() for piece in response.iter_encoded())


def read_until(stream: Iterator[str], text: str) -> None:
    assert any(text in piece for piece in stream), f"the stream ended before {text}"
