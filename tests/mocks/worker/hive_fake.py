"""A hive that only listens to its worker."""

from __future__ import annotations

import json
import queue
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any

LIMIT_S = 20


@dataclass(frozen=True)
class Report:
    """What a worker told: path, JSON body, Authorization header."""

    path: str
    body: dict[str, Any]
    authorization: str | None


class HiveFake:
    """Answers every report with `status`, and keeps the reports in their order."""

    def __init__(self) -> None:
        self.status = 200
        self._reports: queue.Queue[Report] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hive = self
        self.callback_url = f"http://127.0.0.1:{self._server.server_port}/v1/workers/ready"

    def __enter__(self) -> HiveFake:
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hear(self, report: Report) -> None:
        self._reports.put(report)

    def next(self) -> Report:
        """The next report, awaited."""
        return self._reports.get(timeout=LIMIT_S)

    def states(self, count: int) -> list[tuple[str, int]]:
        """State and free slots of the next `count` reports, awaited."""
        reports = [self.next() for _ in range(count)]
        return [(report.body["state"], report.body["slots_available"]) for report in reports]

    def heard_nothing_more(self) -> bool:
        return self._reports.empty()


class _Server(ThreadingHTTPServer):
    hive: HiveFake
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.hive.hear(Report(self.path, body, self.headers.get("Authorization")))
        self.send_response(self.server.hive.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""
