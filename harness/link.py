"""The line between a scenario's attempt and the world: requests there, events back, one JSON line each."""

from __future__ import annotations

import itertools
import json
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.world import WORLD_LOG

READ_BYTES = 1 << 16


class WorldError(Exception):
    """The world refused a request, or is gone; the text says which and why."""


class Link:
    """A connection to the world. `on_event` gets each event in the moment it is read off the line, in order."""

    def __init__(self, path: Path, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._log = path.with_name(WORLD_LOG)
        self._socket = socket.socket(socket.AF_UNIX)
        self._on_event = on_event
        self._rest: list[bytes] = []
        self._numbers = itertools.count(1)
        self._replies: dict[int, dict[str, Any]] = {}
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise WorldError(f"the world does not answer at {path}: {error.strerror}") from error

    def begin(self, do: str, **fields: Any) -> int:
        """Send a request and return its number, for `reply`. Raises WorldError when the world is gone."""
        number = next(self._numbers)
        self._write({"id": number, "do": do, **fields})
        return number

    def say(self, do: str, **fields: Any) -> None:
        """Send a request that gets no reply. Raises WorldError when the world is gone."""
        self._write({"do": do, **fields})

    def _write(self, request: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise self._gone(error.strerror) from error

    def reply(
        self, number: int, *, limit_s: float, unless: Callable[[], object] = lambda: False
    ) -> dict[str, Any] | None:
        """The reply to request `number`, or None when it has not come within `limit_s` seconds of real time, or by the
        moment in which `unless` is true.

        Raises WorldError when the world refused, or is gone."""
        until_s = time.monotonic() + limit_s
        while number not in self._replies:
            if unless() or not self.take(until_s - time.monotonic()):
                return None
        reply = self._replies.pop(number)
        if "error" in reply:
            raise WorldError(reply["error"])
        return reply

    def ask(self, do: str, *, limit_s: float = 30.0, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its reply. Raises WorldError: refused, gone, or no reply within `limit_s`
        seconds."""
        reply = self.reply(self.begin(do, **fields), limit_s=limit_s)
        if reply is None:
            raise WorldError(f"the world did not reply to {do!r} within {limit_s:g} s")
        return reply

    def fileno(self) -> int:
        """What can be read when the world has told something."""
        return self._socket.fileno()

    def take(self, limit_s: float) -> bool:
        """Read what the world has told, waiting up to `limit_s` seconds for some; False when nothing came."""
        if not select.select([self._socket], [], [], max(0.0, limit_s))[0]:
            return False
        try:
            data = self._socket.recv(READ_BYTES)
        except OSError as error:
            raise self._gone(error.strerror) from error
        if not data:
            raise self._gone("it closed the line")
        self._rest.append(data)
        if b"\n" not in data:  # a piece of a long line: to look at all of it again and again would take for ever
            return True
        *lines, rest = b"".join(self._rest).split(b"\n")
        self._rest = [rest]
        for message in json.loads(b"[%b]" % b",".join(lines)):  # in one go, which takes half the time
            if "reply" in message:
                self._replies[message["reply"]] = message
            else:
                self._on_event(message)
        return True

    def _gone(self, how: str | None) -> WorldError:
        return WorldError(f"the world process is gone: {how}; if it had something to say, it stands in {self._log}")

    def close(self) -> None:
        """Hang up: the world then removes the stage."""
        self._socket.close()
