"""Bringing a model's file from the hub, and letting others watch (docs/contract.md, sections 2.2 and 4.2)."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import requests
from urllib3.exceptions import HTTPError, ProtocolError

from mocks.common import clock, http
from mocks.common.errors import RbeeError
from mocks.common.feed import Feed
from mocks.hive import catalog, hub, logs

Event = dict[str, Any]

ATTEMPTS = 6
FIRST_DELAY_MS = 100
STALL_LIMIT_S = 60
"""After so long without a byte an attempt has failed."""
KEPT = 100
"""So many downloads that ended are remembered."""
_PIECE_BYTES = 65536
_ACTOR = "model-provisioner"


def retry_delay_ms(attempt: int) -> int:
    """How long after the attempt with this number (1 …) failed the next one begins: 100 ms, doubled each time."""
    return int(FIRST_DELAY_MS * 2 ** (attempt - 1))


def fetch(url: str, part: Path, tell: Callable[[Event], None]) -> int:
    """Bring the file at `url` to `part`, and return its size in bytes.

    Makes six attempts; each asks only for what `part` lacks. `tell` hears of progress at every twentieth of the file,
    and of each retry. Raises RbeeError: MODEL_NOT_FOUND when the hub does not know the file, DOWNLOAD_FAILED when the
    hub refuses it or all attempts failed."""
    with http.session() as session:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _attempt(session, url, part, tell)
            except (requests.RequestException, HTTPError) as failure:
                error = _reason(failure)
            if attempt < ATTEMPTS:
                delay_ms = retry_delay_ms(attempt)
                retry = {"stage": "retrying", "error": error, "attempt": attempt + 1, "attempts": ATTEMPTS}
                tell({**retry, "delay_ms": delay_ms})
                clock.sleep(delay_ms / 1000)
    message = f"Download failed after {ATTEMPTS} attempts: {error}"
    raise RbeeError("DOWNLOAD_FAILED", message, status=502, attempts=ATTEMPTS)


def _attempt(session: requests.Session, url: str, part: Path, tell: Callable[[Event], None]) -> int:
    with open(part, "ab") as file:
        have = file.tell()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with session.get(url, headers=headers, stream=True, timeout=STALL_LIMIT_S) as answer:
            start, total = _span(answer, have)
            file.truncate(start)
            _receive(answer, file, start, total, tell)
    return total


def _span(answer: requests.Response, have: int) -> tuple[int, int]:
    """At which byte the answer's body begins, and how many the whole file has."""
    answer_line = f"{http.status_text(answer.status_code)} for {answer.url}"
    if answer.status_code >= 500:
        raise requests.HTTPError(answer_line, response=answer)
    if answer.status_code == 404:
        raise RbeeError("MODEL_NOT_FOUND", f"The hub does not have this model: {answer_line}", status=404)
    length = answer.headers.get("content-length", "")
    if answer.status_code == 200 and length.isdigit():
        return 0, int(length)
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("content-range", ""))
    if answer.status_code == 206 and span and int(span[1]) == have:
        return have, int(span[2])
    raise RbeeError("DOWNLOAD_FAILED", f"The hub did not give the file: {answer_line}", status=502, attempts=1)


def _receive(answer: requests.Response, file: BinaryIO, start: int, total: int, tell: Callable[[Event], None]) -> None:
    done, began_s = start, time.perf_counter()
    for mark in _marks(start, total):
        while done < mark:
            # Other ways to read a body lose the last bytes before a reset.
            piece = answer.raw.read1(min(_PIECE_BYTES, mark - done), decode_content=False)
            if not piece:
                raise ProtocolError("Connection closed early")
            done += file.write(piece)
        # A figure to be shown, of the wire as it really is: on a clock of its own a download may take no time at all.
        speed = (done - start) / 2**20 / max(time.perf_counter() - began_s, 1e-6)
        progress = {"stage": "downloading", "bytes_downloaded": done, "bytes_total": total}
        tell({**progress, "speed_mbps": round(speed, 1)})


def _marks(start: int, total: int) -> Iterator[int]:
    """The byte counts above `start` at which progress is told: every twentieth of `total`."""
    marks = dict.fromkeys(-(-total * twentieth // 20) for twentieth in range(1, 21))
    return (mark for mark in marks if mark > start)


def _reason(failure: BaseException) -> str:
    """What went wrong, in the words of the innermost error: `Connection reset by peer`."""
    inner = failure
    while further := inner.__cause__ or inner.__context__:
        inner = further
    return (isinstance(inner, OSError) and inner.strerror) or str(inner)


class Download:
    """One download: its id, and the feed of its events, which ends with `complete` or `error`."""

    def __init__(self, model: hub.Reference) -> None:
        self.id = str(uuid.uuid4())
        self.model = model
        self.events: Feed[Event] = Feed()
        self._failure: RbeeError | None = None
        self._path = ""

    def run(self) -> None:
        """Bring the file, put it into the catalogue, and tell it all to the feed; raises nothing."""
        logs.narrate(_ACTOR, "📦 Downloading model from Hugging Face")
        try:
            self._path = str(self._bring())
        except Exception as failure:
            # Whatever it was: somebody waits for the end of the feed.
            error = failure if isinstance(failure, RbeeError) else RbeeError("DOWNLOAD_FAILED", repr(failure))
            self._failure = error
            logs.narrate(_ACTOR, f"❌ {error.message}")
            self.events.add({"stage": "error", "message": error.message, "code": error.code})
        else:
            logs.narrate(_ACTOR, f"✅ Model downloaded to {self._path}")
            self.events.add({"stage": "complete", "local_path": self._path})
        finally:
            self.events.close()

    def _bring(self) -> Path:
        if self.model.provider != "hf":
            raise RbeeError("DOWNLOAD_FAILED", "Only HuggingFace (hf) provider is currently supported")
        source = hub.locate(self.model)
        part = source.part
        part.parent.mkdir(parents=True, exist_ok=True)
        # What an earlier hive left may be of another file.
        part.unlink(missing_ok=True)
        try:
            size_bytes = fetch(source.url, part, self.events.add)
            os.replace(part, source.path)
        finally:
            part.unlink(missing_ok=True)
        now_s = clock.now_us() // 1_000_000
        catalog.add(catalog.Model(self.model.name, self.model.provider, str(source.path), size_bytes, now_s))
        return source.path

    def outcome(self) -> str:
        """Wait for the end of the download: the path of the file. Raises the RbeeError with which it failed."""
        for _ in self.events.follow():
            pass
        if self._failure:
            raise self._failure
        return self._path


class Downloads:
    """The downloads of this hive. Of those that ended the last stay, since who wants to watch may come late."""

    def __init__(self) -> None:
        self._downloads: dict[str, Download] = {}
        self._lock = threading.Lock()

    def start(self, model: hub.Reference) -> Download:
        """Begin to download a model, or join the download of it that is under way."""
        with self._lock:
            for download in self._downloads.values():
                if download.model == model and not download.events.closed:
                    return download
            download = Download(model)
            threading.Thread(target=download.run, daemon=True, name="download").start()
            self._downloads[download.id] = download
            ended = [past.id for past in self._downloads.values() if past.events.closed]
            for past_id in ended[:-KEPT]:
                del self._downloads[past_id]
        return download

    def get(self, download_id: str) -> Download:
        """The download with this id. Raises RbeeError INVALID_REQUEST (404) when there is none."""
        with self._lock:
            download = self._downloads.get(download_id)
        if download is None:
            raise RbeeError("INVALID_REQUEST", f"Download {download_id} not found", status=404)
        return download
