"""The terminal's worker commands, and their files `.runtime/workers/<id>.*` (docs/contract.md, section 1.3)."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import psutil

from mocks.common import clock, files
from mocks.common.errors import RbeeError
from mocks.common.launch import Launched, launch
from mocks.hive import local_models

DIRECTORY = Path(".runtime") / "workers"
STOP_LIMIT_S = 2
"""How long a worker may take to end after SIGTERM."""
_PROGRAM = "llm-worker-rbee"
_FIRST_PORT = 8000
_MEMBERS = {"worker_id", "pid", "backend", "model_id", "port", "started_at"}
_NO_HIVE = "http://localhost:9999/v1/workers/ready"
"""The callback URL of a worker that has no hive to report to (docs/contract.md, section 1.4)."""


def spawn(arguments: argparse.Namespace) -> int:
    """Start a worker that outlives this command.

    Raises RbeeError when its model is not in the catalogue, it runs already, or there is no worker program."""
    worker_id = f"worker-{arguments.backend}-{arguments.gpu}"
    port = _FIRST_PORT + arguments.gpu
    model = local_models.find(arguments.model)
    if _process(worker_id):
        raise RbeeError("WORKER_ALREADY_REGISTERED", f"Worker {worker_id} runs already; stop it first")
    print(f"🚀 Spawning worker {worker_id}")
    print(f"   Model: {arguments.model}")
    print(f"   Port: {port}", flush=True)
    words = ["--worker-id", worker_id, "--model", model["path"], "--backend", arguments.backend, "--port", str(port)]
    process = _start(worker_id, [*words, "--device", str(arguments.gpu), "--callback-url", _NO_HIVE])
    try:
        known = {"worker_id": worker_id, "pid": process.pid, "backend": arguments.backend, "model_id": arguments.model}
        known |= {"port": port, "started_at": local_models.rfc3339()}
        files.write_text(_file(worker_id, "json"), json.dumps(known, indent=2) + "\n")
        files.write_text(_file(worker_id, "pid"), f"{process.pid}\n")
    except BaseException:
        # Nobody could ever stop it.
        process.kill()
        process.wait()
        raise
    return 0


def list_all(_: argparse.Namespace) -> int:
    """Print the workers that were started from the terminal, with what became of them."""
    files = sorted(DIRECTORY.glob("*.json"))
    if not files:
        print("No workers running")
    for file in files:
        worker = _read(file)
        state = "running" if _process(worker["worker_id"]) else "not running"
        print(f"{worker['worker_id']}  {state}, process {worker['pid']}, port {worker['port']}")
        print(f"  Model: {worker['model_id']} ({worker['backend']})")
        print(f"  Started: {worker['started_at']}")
    return 0


def stop(arguments: argparse.Namespace) -> int:
    """End a worker by SIGTERM, and by SIGKILL when it takes longer than 2 s; its log stays.

    Raises RbeeError when no such worker was started."""
    if "/" in arguments.id or not _file(arguments.id, "json").exists():
        raise RbeeError("INVALID_REQUEST", f"Worker {arguments.id} not found; see `rbee-hive worker list`")
    process = _process(arguments.id)
    if process:
        _end(process)
    for kind in ("json", "pid"):
        _file(arguments.id, kind).unlink(missing_ok=True)
    print(f"✅ Worker {arguments.id} stopped")
    return 0


def _start(worker_id: str, words: list[str]) -> Launched:
    program = shutil.which(_PROGRAM)
    if program is None:
        raise RbeeError("WORKER_FAILED", f"{_PROGRAM} is not on the PATH")
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with open(_file(worker_id, "log"), "ab") as log:
        return launch([program, *words], env=os.environ, cwd=Path.cwd(), stdout=log.fileno(), stderr=log.fileno())


def _end(process: psutil.Process) -> None:
    try:
        end = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    with open(end, "rb", buffering=0) as ended, contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            with clock.limit(STOP_LIMIT_S) as limited:
                limited.wait_readable(ended)
        except TimeoutError:
            print("   Worker still running, forcing kill")
            process.kill()


def _process(worker_id: str) -> psutil.Process | None:
    """The process of a worker, if it lives. A number that another process has got since is not taken for it."""
    try:
        process = psutil.Process(int(files.read_text(_file(worker_id, "pid"))))
        ours = worker_id in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return None
    return process if ours else None


def _read(file: Path) -> dict[str, Any]:
    try:
        worker = json.loads(files.read_text(file))
    except (ValueError, RecursionError) as failure:
        raise RbeeError("INTERNAL_ERROR", f"{file} is not JSON ({failure}); move it away") from failure
    if not (isinstance(worker, dict) and worker.keys() >= _MEMBERS and isinstance(worker["worker_id"], str)):
        raise RbeeError("INTERNAL_ERROR", f"{file} lacks one of {', '.join(sorted(_MEMBERS))}; move it away")
    return worker


def _file(worker_id: str, kind: str) -> Path:
    return DIRECTORY / f"{worker_id}.{kind}"
