"""The workers of this hive: how one is started, and what the hive knows of each, in memory only."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mocks.common import clock, machine, peers
from mocks.common.cli import os_text
from mocks.common.errors import RbeeError
from mocks.common.feed import Feed
from mocks.common.launch import Launched, launch
from mocks.hive import logs

STATES = ("loading", "idle", "busy")
SLOTS_TOTAL = 1
FIRST_PORT = 8001
LAST_PORT = 2**16 - 1

_ACTOR = "worker-spawner"


@dataclass(frozen=True)
class Order:
    """What a worker is to be: a model's reference and file, a backend and a device of it, an id."""

    worker_id: str
    model_ref: str
    model_path: str
    backend: str
    device: int


@dataclass
class Worker:
    """A worker of this hive. Times are microseconds on the clock."""

    order: Order
    port: int
    url: str
    api_key: str
    process: Launched
    exit_code: Feed[int]
    """Has its one item as soon as the process is gone."""
    started_us: int
    last_activity_us: int
    state: str = "loading"
    slots_available: int = 0
    vram_bytes: int | None = None
    idle_since_us: int | None = None
    """When it last became idle: the end of its last use."""
    healthy: bool = True
    misses: int = 0
    stopping: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return self.order.worker_id

    def alive(self) -> None:
        """Note a sign of life."""
        self.last_activity_us = clock.now_us()
        self.healthy = True
        self.misses = 0

    def called_back(self, vram_bytes: int | None) -> None:
        """Note the ready callback: it listens, and goes on to load (docs/contract.md, section 9 row 5)."""
        self.alive()
        self.vram_bytes = vram_bytes

    def changed(self, state: str, slots_available: int) -> None:
        """Note a change of its state, one of `STATES`."""
        self.alive()
        if state == "idle" and self.state != "idle":
            self.idle_since_us = self.last_activity_us
        self.state = state
        self.slots_available = slots_available

    def kill(self) -> None:
        """End its process at once, unless that has ended."""
        self.stopping = True
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.kill()

    def row(self) -> dict[str, Any]:
        """Its entry in the hive's list (docs/contract.md, section 2.2, and its key: section 9 row 8)."""
        seconds, microseconds = divmod(self.last_activity_us, 1_000_000)
        return {
            "id": self.id,
            "url": self.url,
            "model_ref": self.order.model_ref,
            "backend": self.order.backend,
            "device": self.order.device,
            "state": "stopping" if self.stopping else self.state,
            "last_activity": {"secs_since_epoch": seconds, "nanos_since_epoch": microseconds * 1000},
            "slots_total": SLOTS_TOTAL,
            "slots_available": self.slots_available,
            "vram_bytes": self.vram_bytes,
            "healthy": self.healthy,
            "api_key": self.api_key,
        }


class Workers:
    """The workers of the hive that listens at `hive_port`. `program` is the worker's executable."""

    def __init__(self, program: Path, hive_port: int) -> None:
        self._program = program
        self._host = os.environ.get("RBEE_WORKER_HOST") or machine.node_host()
        self._callback = f"http://{self._host}:{hive_port}/v1/workers/ready"
        self._workers: dict[str, Worker] = {}
        self._closed = False
        self._lock = threading.Lock()

    def spawn(self, order: Order) -> Worker:
        """Start a worker and return it, loading.

        Raises RbeeError: WORKER_ALREADY_REGISTERED (409) when its id is taken, WORKER_FAILED when it cannot be started,
        INTERNAL_ERROR (503) after `close`."""
        with self._lock:
            if self._closed:
                raise RbeeError("INTERNAL_ERROR", "This hive is shutting down", status=503)
            if order.worker_id in self._workers:
                message = f"Worker {order.worker_id} is registered already; take another worker_id"
                raise RbeeError("WORKER_ALREADY_REGISTERED", message, status=409)
            try:
                worker = self._start(order, self._free_port())
            except (OSError, ValueError) as failure:
                why = os_text(failure) if isinstance(failure, OSError) else failure
                raise RbeeError("WORKER_FAILED", f"Failed to spawn worker: {why}") from failure
            self._workers[worker.id] = worker
        try:
            logs.info(f"worker {worker.id} started on port {worker.port}, process {worker.process.pid}")
            threading.Thread(target=self._watch, args=(worker,), daemon=True, name=worker.id).start()
        except BaseException:
            # Nobody would watch it, and nobody was told of it.
            self.drop(worker)
            worker.kill()
            worker.process.wait()
            raise
        return worker

    def get(self, worker_id: str) -> Worker | None:
        """The worker with this id, or None."""
        with self._lock:
            return self._workers.get(worker_id)

    def all(self) -> list[Worker]:
        """All workers, in the order of their start."""
        with self._lock:
            return list(self._workers.values())

    def drop(self, worker: Worker) -> None:
        """Forget a worker."""
        with self._lock:
            if self._workers.get(worker.id) is worker:
                del self._workers[worker.id]

    def close(self) -> None:
        """Start no more workers."""
        with self._lock:
            self._closed = True

    def _start(self, order: Order, port: int) -> Worker:
        key = f"key-{uuid.uuid4()}"
        facts = {
            "worker_id": order.worker_id,
            "model": order.model_path,
            "backend": order.backend,
            "device": str(order.device),
            "port": str(port),
            "callback_url": self._callback,
            "api_key": key,
        }
        argv = [str(self._program), *peers.worker_arguments(facts)]
        process = launch(argv, env=os.environ, cwd=Path.cwd())
        now_us = clock.now_us()
        return Worker(order, port, f"http://{self._host}:{port}", key, process, Feed(), now_us, now_us)

    def _watch(self, worker: Worker) -> None:
        code = int(worker.process.wait())
        self.drop(worker)
        if code and not worker.stopping:
            logs.warn(f"worker {worker.id} crashed (exit code {code})")
        else:
            logs.info(f"worker {worker.id} exited with code {code}")
        worker.exit_code.add(code)
        worker.exit_code.close()

    def _free_port(self) -> int:
        # A worker that was just started may not have bound its port yet.
        given = {worker.port for worker in self._workers.values()}
        port = FIRST_PORT
        while port in given or _bound(port):
            if port == LAST_PORT:
                raise OSError(errno.EADDRINUSE, "No port is free")
            logs.narrate(_ACTOR, f"Port {port} is taken, trying {port + 1}")
            port += 1
        return port


def _bound(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((machine.bind_host(), port))
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE:
                raise
            return True
    return False
