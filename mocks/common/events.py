"""Event streams: how an event is written, and how a stream is read as it arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

DONE: bytes = b"data: [DONE]\n\n"
"""The end mark: the last event of every stream that came to its end."""


def encode(payload: Mapping[str, Any]) -> bytes:
    """One event: `data: `, the payload as compact JSON, a blank line."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair, which is no text, leaves as the escape that it was.
    return f"data: {text}\n\n".encode(errors="backslashreplace")


def narration(actor: str, human: str) -> dict[str, str]:
    """The payload of a narration event: what `actor` tells the user."""
    return {"type": "narration", "actor": actor, "human": human}


def read(response: requests.Response) -> Iterator[str]:
    """The payload of each whole event of a streamed answer, as it arrives; `[DONE]` is one of them.

    Ends at the end of the body. Comments (keep-alives) are passed over, and so is an event that the end of the body
    cuts short. Raises requests' ChunkedEncodingError when the body breaks off, its ConnectionError when the wait for
    bytes takes longer than the limit of the call.
    """
    data: list[str] = []
    for line in _lines(response):
        if line:
            if line.startswith("data:"):
                data.append(line.removeprefix("data:").removeprefix(" "))
        elif data:
            yield "\n".join(data)
            data = []


def _lines(response: requests.Response) -> Iterator[str]:
    # A chunked body is read chunk by chunk. Any other has no such pieces: read in larger ones, it would show its events
    # late.
    chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
    rest = b""
    for piece in response.iter_content(None if chunked else 1):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
