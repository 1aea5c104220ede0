"""A queen whose answers are written beforehand, behind a proxy address, and the keeper run against it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from mocks.keeper import cli

KEEPER = Path(__file__).resolve().parents[3] / "bin" / "rbee-keeper"
LIMIT_S = 20.0
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Asked:
    """A request that came, with its whole URL."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Stream:
    """An event stream. A piece that is a function is called in its place; `whole` is false for one that breaks off."""

    pieces: Iterable[bytes | Mapping[str, Any] | Callable[[], None]]
    whole: bool = True
    content_type: str = "text/event-stream"


@dataclass(frozen=True)
class Text:
    """An answer that is no JSON."""

    status: int
    text: str


Answer = tuple[int, Any] | Stream | Text | None | Callable[[], "Answer"]
"""Status and JSON, a stream, plain text, or None for a connection that is closed without a word; or what tells it."""


@dataclass
class Queen:
    """Answers "METHOD URL" as it is told to, call by call; the last answer stands for all that follow."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    proxy: str = ""

    def will(self, call: str, *answers: Answer) -> None:
        """Answer the calls "METHOD PATH" like this, in this order."""
        method, path = call.split(" ")
        self.answers[f"{method} {path if '://' in path else f'http://localhost:8080{path}'}"] = list(answers)

    def next_answer(self, method: str, url: str) -> Answer:
        left = self.answers.get(f"{method} {url.partition('?')[0]}", [(404, {})])
        return left.pop(0) if len(left) > 1 else left[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    queen: Queen

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.loads(body) if body else None
        self.queen.asked.append(Asked(self.command, self.path, dict(self.headers), told))
        answer = self.queen.next_answer(self.command, self.path)
        match answer() if callable(answer) else answer:
            case None:
                pass
            case Stream() as stream:
                self._stream(stream)
            case Text(status, text):
                self._send(status, text.encode(), "text/plain")
            case (status, document):
                self._send(status, b"" if document is None else json.dumps(document).encode(), "application/json")
        self.close_connection = True

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, stream: Stream) -> None:
        self.send_response(200)
        self.send_header("Content-Type", stream.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in stream.pieces:
            if callable(piece):
                piece()
                continue
            data = piece if isinstance(piece, bytes) else f"data: {json.dumps(piece)}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        if stream.whole:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@contextlib.contextmanager
def serving() -> Iterator[Queen]:
    """A queen that answers while the block runs, through the proxy at its address."""
    queen = Queen()
    handler = type("Handler", (_Handler,), {"queen": queen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        queen.proxy = f"http://127.0.0.1:{server.server_port}"
        running = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        running.start()
        yield queen
        server.shutdown()


@dataclass(frozen=True)
class Keeper:
    """The keeper as a user in `home` runs it, with `queen` at localhost:8080."""

    home: Path
    queen: Queen
    program: Path = KEEPER

    def environment(self, **more: str) -> dict[str, str]:
        """Its whole environment."""
        own = str(Path(sys.executable).parent)
        return {
            "PATH": os.pathsep.join((str(self.home / "bin"), own, "/usr/bin", "/bin")),
            "PYTHONPATH": str(KEEPER.parents[1]),
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "HTTP_PROXY": self.queen.proxy,
            **more,
        }

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start it with this command line."""
        return subprocess.Popen(
            [sys.executable, str(self.program), *words],
            env=self.environment(**environment),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Run it to its end, within this process, which is quicker: exit code, stdout, stderr."""
        pipes = io.BytesIO(), io.BytesIO()
        out, err = (io.TextIOWrapper(pipe, "utf-8", newline="") for pipe in pipes)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with (
            mock.patch.dict(os.environ, self.environment(**environment), clear=True),
            mock.patch.multiple(sys, argv=[str(self.program), *words], stdout=out, stderr=err),
            mock.patch.object(tempfile, "tempdir", str(self.home)),
            contextlib.chdir(self.home),
            pytest.raises(SystemExit) as ended,
        ):
            cli.main()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        out.flush()
        err.flush()
        assert isinstance(ended.value.code, int)
        return ended.value.code, pipes[0].getvalue().decode(), pipes[1].getvalue().decode()
