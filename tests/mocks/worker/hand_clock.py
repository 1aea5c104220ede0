"""A clock whose hands a test moves, spoken to as docs/design.md says ("The clock")."""

from __future__ import annotations

import json
import socketserver
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

START_US = 1_728_508_603_000_000
LIMIT_S = 20
FLOWING_S = 1.0


class HandClock:
    """Time stands until `move` or `flow` is called."""

    def __init__(self, path: Path) -> None:
        self.now_us = START_US
        self._flowing = False
        self._waits: dict[_Line, int] = {}
        self._changed = threading.Condition()
        self._server = _Server(str(path), _Line)
        self._server.clock = self

    def __enter__(self) -> HandClock:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def passed_s(self) -> float:
        """How far the hands have been moved."""
        return (self.now_us - START_US) / 1_000_000

    def move(self, delay_s: float) -> None:
        """Move on by `delay_s`, as soon as somebody waits for exactly that moment."""
        due_us = self.now_us + round(delay_s * 1_000_000)
        with self._changed:
            if not self._changed.wait_for(lambda: due_us in self._waits.values(), LIMIT_S):
                raise AssertionError(f"nobody waits for +{delay_s} s; due are {sorted(self._waits.values())}")
            self._release(due_us)

    def flow(self) -> None:
        """From now on every wait of up to a second is over at once. Longer ones are limits of calls: they stay."""
        with self._changed:
            self._flowing = True
            for due_us in sorted(self._waits.values()):
                self._take(due_us)

    def add(self, line: _Line, delay_us: int) -> None:
        with self._changed:
            self._waits[line] = self.now_us + delay_us
            if self._flowing:
                self._take(self.now_us + delay_us)
            self._changed.notify_all()

    def cancel(self, line: _Line) -> None:
        with self._changed:
            self._waits.pop(line, None)
            line.say({"canceled": True})

    def _take(self, due_us: int) -> None:
        if due_us - self.now_us <= FLOWING_S * 1_000_000:
            self._release(due_us)

    def _release(self, due_us: int) -> None:
        self.now_us = max(self.now_us, due_us)
        for line in [line for line, due in self._waits.items() if due <= due_us]:
            del self._waits[line]
            line.say({"now_us": self.now_us})


class _Server(socketserver.ThreadingUnixStreamServer):
    clock: HandClock
    daemon_threads = True


class _Line(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        for message in self.rfile:
            asked = json.loads(message)
            if "wait_us" in asked:
                self.server.clock.add(self, asked["wait_us"])
            elif "cancel" in asked:
                self.server.clock.cancel(self)
            else:
                self.say({"now_us": self.server.clock.now_us})

    def say(self, answer: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")
