"""Lies of the hive."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.proof.lies import Lie, answer, around, nothing, put

APP = "mocks.hive.app:application"
HEALTH = r"llm-worker-rbee GET /v1/health|rbee-hive GET /v1/workers/list"
SHUTDOWN = r"llm-worker-rbee POST /v1/admin/shutdown"
DOWNLOAD = r"rbee-hive POST /v1/models/download"
FAILED = r"hub cut"
SPAWN = r"rbee-hive POST /v1/workers/spawn"
REFUSED = r"rbee-hive POST /v1/workers/spawn [45]"
LIST = r"rbee-hive GET /v1/workers/list"


def _listed(change: Callable[[dict[str, Any]], object]) -> Callable[[Any], object]:
    return lambda told: {"workers": [change(worker) for worker in told["workers"]]}


def _wrong_size(add: Any) -> object:
    return lambda model: add(replace(model, size_bytes=model.size_bytes + 1))


def _wrong_time(add: Any) -> object:
    return lambda model: add(replace(model, downloaded_at=model.downloaded_at - 3600))


def _from_zero(attempt: Any) -> object:
    def lying(session: Any, url: str, part: Any, tell: Any) -> object:
        part.unlink(missing_ok=True)
        return attempt(session, url, part, tell)

    return lying


def _left(bring: Any) -> object:
    def lying(self: Any) -> object:
        path = bring.__globals__["hub"].locate(self.model).path
        try:
            return bring(self)
        except Exception:
            path.with_suffix(".part").touch()
            raise

    return lying


def _fewer_layers(kind: str) -> Callable[[Any], object]:
    """The check of this kind of memory is left out."""
    return lambda check: lambda what, *figures: None if what == kind else check(what, *figures)


def _first_device(start: Any) -> object:
    return lambda self, order, port: start(self, replace(order, device=0), port)


def _other_status(check: Any) -> object:
    def lying(*what: Any) -> None:
        try:
            check(*what)
        except Exception as error:
            error.status = 500  # type: ignore[attr-defined]
            raise

    return lying


def _says_no_state() -> None:
    put("mocks.hive.cli:show_status", lambda _: 0)()
    # The command line that was built when the module was loaded knows the true one.
    around("mocks.hive.cli:PARSER", lambda _: importlib.import_module("mocks.hive.cli").parser())()


LIES = [
    Lie("lets everybody in", r"rbee-hive GET /v1/health 401", put("mocks.hive.auth:check", nothing)),
    Lie(
        "says another version",
        r"rbee-hive GET /v1/health",
        answer(APP, "/v1/health", lambda told: told | {"version": "0.0.9"}),
        about="version",
    ),
    Lie("asks for health every minute", HEALTH, put("mocks.hive.loops:HEALTH_EVERY_US", 60_000_000), about="health"),
    Lie("waits twice as long for health", HEALTH, put("mocks.hive.loops:HEALTH_LIMIT_S", 10), about="health"),
    Lie("gives a worker up after two misses", HEALTH, put("mocks.hive.loops:MISSES", 2), about="health"),
    Lie(
        "says that all workers are healthy",
        LIST,
        answer(APP, "/v1/workers/list", _listed(lambda one: one | {"healthy": True})),
        about="list",
    ),
    Lie(
        "says that all workers are idle",
        LIST,
        answer(APP, "/v1/workers/list", _listed(lambda one: one | {"state": "idle"})),
        about="busy|list|shows",
    ),
    Lie(
        "lists every worker twice",
        LIST,
        answer(APP, "/v1/workers/list", lambda told: {"workers": told["workers"] * 2}),
        about="list",
    ),
    Lie("lists no worker", LIST, answer(APP, "/v1/workers/list", lambda _: {"workers": []}), about="list|straight"),
    Lie(
        "lists one that is not there",
        LIST,
        answer(APP, "/v1/workers/list", lambda told: {"workers": [*told["workers"], {"id": "x", "state": "gone"}]}),
        about="list",
    ),
    Lie("ends an idle worker after four minutes", SHUTDOWN, put("mocks.hive.loops:IDLE_LIMIT_US", 240_000_000)),
    Lie(
        "kills workers instead of asking them",
        SHUTDOWN,
        around("mocks.hive.stopping:_ask", lambda _: lambda worker, __: worker.kill()),
    ),
    Lie("sends no shutdown", SHUTDOWN, put("mocks.hive.stopping:_ask", nothing)),
    Lie("waits too long for a worker to end", SHUTDOWN, put("mocks.hive.stopping:EXIT_LIMIT_S", 9)),
    Lie("leaves its workers alive", SHUTDOWN, put("mocks.hive.stopping:cascade", nothing)),
    Lie("writes no row for a download", DOWNLOAD, put("mocks.hive.catalog:add", nothing), about="catalogue|hub"),
    Lie("writes a wrong size", DOWNLOAD, around("mocks.hive.catalog:add", _wrong_size), about="catalogue"),
    Lie("writes a wrong time", DOWNLOAD, around("mocks.hive.catalog:add", _wrong_time), about="catalogue"),
    Lie("does not know what it has", DOWNLOAD, put("mocks.hive.catalog:find", nothing), about="catalogue|hub"),
    Lie(
        "tells no progress but the end",
        DOWNLOAD,
        put("mocks.hive.download:_marks", lambda _, total: iter([total])),
        about="download|stderr, in this order",
    ),
    Lie("sends no end mark", DOWNLOAD, put("mocks.common.events:DONE", b""), about="end mark"),
    Lie("retries a download once too little", FAILED, put("mocks.hive.download:ATTEMPTS", 5)),
    Lie("retries a download once too often", FAILED, put("mocks.hive.download:ATTEMPTS", 7)),
    Lie("waits too long before it retries", FAILED, put("mocks.hive.download:FIRST_DELAY_MS", 200)),
    Lie("begins at zero again", FAILED, around("mocks.hive.download:_attempt", _from_zero)),
    Lie("leaves a part of a file", FAILED, around("mocks.hive.download:Download._bring", _left)),
    Lie(
        "reckons without the margin",
        SPAWN,
        put("mocks.hive.preflight:required_mb", lambda size: -(-size // 2**20)),
        about="checked|required",
    ),
    Lie(
        "checks no RAM",
        SPAWN,
        around("mocks.hive.preflight:_check_memory", _fewer_layers("RAM")),
        about="RAM|started no worker",
    ),
    Lie("checks no VRAM", REFUSED, around("mocks.hive.preflight:_check_memory", _fewer_layers("VRAM"))),
    Lie(
        "checks no backend",
        SPAWN,
        put("mocks.hive.preflight:_check_backend", nothing),
        about="device|started no worker",
    ),
    Lie("refuses with 500", REFUSED, around("mocks.hive.preflight:check", _other_status)),
    Lie("takes the first device", SPAWN, around("mocks.hive.workers:Workers._start", _first_device), about="device"),
    Lie("begins at another port", SPAWN, put("mocks.hive.workers:FIRST_PORT", 8005), about="port"),
    Lie(
        "says that a new worker is idle",
        SPAWN,
        answer(APP, "/v1/workers/spawn", lambda told: told | {"state": "idle"}),
        about="request for a worker",
    ),
    Lie(
        "acknowledges a callback in other words",
        r"rbee-hive POST /v1/workers/ready",
        answer(APP, "/v1/workers/ready", lambda _: {"message": "ok"}),
        about="called back|callback",
    ),
    Lie(
        "ends with its first worker",
        SHUTDOWN,
        around("mocks.hive.workers:Workers.drop", lambda _: lambda *__: os.kill(os.getpid(), signal.SIGTERM)),
        about="still runs",
    ),
    Lie("logs no warning", r"error WORKER_CRASHED", put("mocks.hive.logs:warn", nothing), about="the log of"),
    Lie("says nothing of its state", r"rbee-keeper pool status", _says_no_state),
    Lie(
        "says that it is dead",
        r"rbee-hive GET /v1/health",
        answer(APP, "/v1/health", lambda told: told | {"status": "dead"}),
        about='"status"',
        is_new=True,
    ),
    Lie(
        "says that a new worker is on another device",
        SPAWN,
        answer(APP, "/v1/workers/spawn", lambda told: told | {"device": told["device"] + 1}),
        about="request for a worker",
        is_new=True,
    ),
    Lie(
        "says that it has another version",
        r"rbee-hive GET /v1/health",
        answer(APP, "/v1/health", lambda told: told | {"version": "0.9.0"}),
        about="version",
        is_new=True,
    ),
]
