"""The three daemons as they are started, on an address of their own, with nothing outside that they could reach."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from harness.world.models import write_model
from mocks.common import clock
from tests.mocks.hostile.wire import LIMIT_S, Route

PROJECT = Path(__file__).resolve().parents[3]
ADDRESS = f"127.79.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
NOBODY = f"http://{ADDRESS}:1"
SETTLED_S = 30.0
NODE = "workstation"


@dataclass(frozen=True)
class Load:
    """What a process holds."""

    threads: int
    descriptors: int
    memory_bytes: int


@dataclass(frozen=True)
class Daemon:
    """A daemon that runs. `state`: what requests change in it, as facts; `routes`: what it can be asked."""

    process: subprocess.Popen[bytes]
    address: tuple[str, int]
    errors: Path
    routes: list[Route]
    facts: Callable[[Daemon], set[str]]

    def get(self, path: str) -> str:
        """The answer to a request in good order."""
        host, port = self.address
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"http://{host}:{port}{path}", timeout=LIMIT_S).text

    def state(self) -> set[str]:
        """What requests change in it."""
        return self.facts(self)

    def load(self) -> Load:
        """What its process holds now."""
        process = psutil.Process(self.process.pid)
        return Load(process.num_threads(), process.num_fds(), process.memory_info().rss)

    def load_back_at(self, before: Load) -> Load:
        """What it holds once threads and descriptors are back to what they were, or at the end of the wait for it."""
        until_s = time.monotonic() + SETTLED_S
        while True:
            now = self.load()
            settled = now.threads <= before.threads and now.descriptors <= before.descriptors
            if settled or time.monotonic() > until_s:
                return now
            clock.sleep(0.05)

    def end(self) -> int:
        """Ask it to end; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(LIMIT_S)
        finally:
            self.process.kill()
            self.process.wait()


def _texts(*values: str) -> list[str]:
    return [json.dumps(value) for value in values]


NODE_FIELDS = {
    "node_name": _texts(NODE, "mac"),
    "ssh_host": _texts("127.0.0.1", "workstation.home.arpa"),
    "ssh_port": ["22", "1"],
    "ssh_user": _texts("rbee"),
    "ssh_key_path": ["null", *_texts("/no/key")],
    "git_repo_url": _texts("https://github.com/user/llama-orch.git"),
    "git_branch": _texts("main"),
    "install_path": _texts("~/rbee"),
    "backends": ["null", *_texts('["cpu"]')],
    "devices": ["null"],
}
TASK_FIELDS = {
    "node": _texts("no-such-node"),
    "model": _texts("hf:org/repo"),
    "prompt": _texts("hello"),
    "max_tokens": ["3"],
    "temperature": ["0.7", "1"],
    "backend": ["null", *_texts("cpu")],
    "device": ["null", "0"],
}
WORKER_FIELDS = {
    "worker_id": _texts("worker-1", "worker-2"),
    "url": _texts(NOBODY),
    "model_ref": _texts("hf:org/repo"),
    "backend": _texts("cpu"),
    "device": ["0"],
    "node_name": _texts(NODE),
    "slots_total": ["null", "1"],
    "vram_bytes": ["null", "1000"],
}
QUEEN = [
    Route("GET", "/health"),
    Route("POST", "/v2/registry/beehives/add", NODE_FIELDS),
    Route("GET", "/v2/registry/beehives/list"),
    Route("POST", "/v2/registry/beehives/remove", {"node_name": _texts("gone")}),
    Route("POST", "/v2/registry/beehives/install", {"node_name": _texts("gone")}),
    Route("GET", "/v2/workers/list"),
    Route("GET", "/v2/workers/health", query={"node": [NODE]}),
    Route("POST", "/v2/workers/register", WORKER_FIELDS),
    Route("POST", "/v2/workers/shutdown", {"worker_id": _texts("worker-1", "worker-9")}),
    Route("POST", "/v2/tasks", TASK_FIELDS),
    Route("DELETE", "/v2/tasks/<>"),
    Route("GET", "/v2/logs", query={"node": ["gone"], "follow": ["true", "false"]}),
]
HIVE = [
    Route("GET", "/health"),
    Route("GET", "/v1/health"),
    Route("GET", "/v1/logs", query={"follow": ["true", "false"]}),
    Route("POST", "/v1/models/download", {"model_ref": _texts("hf:org/repo", "hf:org/repo/file.gguf")}),
    Route("GET", "/v1/models/download/progress", query={"id": ["gone"]}),
    Route("GET", "/v1/workers/list"),
]
WORKER = [
    Route("GET", "/health"),
    Route("GET", "/v1/health"),
    Route("GET", "/v1/ready"),
    Route("GET", "/v1/loading/progress"),
    Route("DELETE", "/v1/inference/<>"),
    Route(
        "POST",
        "/v1/inference",
        {
            "job_id": ["null", *_texts("job-1")],
            "prompt": _texts("hello", "once </s>"),
            "max_tokens": ["1", "2048"],
            "temperature": ["0.7", "1"],
            "seed": ["null", "42"],
            "top_p": ["1.0"],
            "top_k": ["0"],
            "repetition_penalty": ["1.0"],
            "stop": ["[]", '["</s>"]'],
            "min_p": ["0.0"],
            "stream": ["true"],
        },
    ),
]


def _start(
    directory: Path, name: str, *words: str, port: int, settings: dict[str, str]
) -> tuple[Path, subprocess.Popen[bytes]]:
    program = directory / "bin" / name
    env = {
        "PATH": f"{directory / 'bin'}:/usr/bin:/bin",
        "HOME": str(directory),
        "PYTHONPATH": str(PROJECT),
        "RBEE_BIND_HOST": ADDRESS,
        "RBEE_NODE_HOST": ADDRESS,
        "HTTP_PROXY": NOBODY,
        **settings,
    }
    errors = directory / f"{name}.err"
    with errors.open("wb") as stderr, (directory / f"{name}.out").open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, str(program), *words], env=env, cwd=directory, stdout=stdout, stderr=stderr
        )
    until_s = time.monotonic() + LIMIT_S
    while True:
        try:
            with socket.create_connection((ADDRESS, port), timeout=LIMIT_S):
                return errors, process
        except ConnectionRefusedError:
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < until_s, f"{name} does not listen"
            clock.sleep(0.02)


def _await_said(output: Path, text: str) -> None:
    until_s = time.monotonic() + LIMIT_S
    while text not in output.read_text(encoding="utf-8"):
        assert time.monotonic() < until_s, f"{output} does not say {text!r}: {output.read_text(encoding='utf-8')!r}"
        clock.sleep(0.02)


def _copy(directory: Path, name: str) -> None:
    (directory / "bin").mkdir(exist_ok=True)
    shutil.copy(PROJECT / "bin" / name, directory / "bin" / name)


def _rows(path: Path, table: str) -> set[str]:
    if not path.exists():
        return set()
    with closing(sqlite3.connect(path)) as database:
        return {repr(row) for row in database.execute(f"SELECT * FROM {table}")}


def queen(directory: Path) -> Daemon:
    """A queen without nodes."""
    _copy(directory, "queen-rbee")
    errors, process = _start(directory, "queen-rbee", "--port", "8080", port=8080, settings={})

    def facts(daemon: Daemon) -> set[str]:
        workers = json.loads(daemon.get("/v2/workers/list"))["workers"]
        return _rows(directory / ".rbee" / "beehives.db", "beehives") | {repr(worker) for worker in workers}

    made = Daemon(process, (ADDRESS, 8080), errors, QUEEN, facts)
    # What a queen needs for SSH comes with the first login that she tries, and stays.
    node = {name: json.loads(fitting[0]) for name, fitting in NODE_FIELDS.items()}
    with requests.Session() as session:
        session.trust_env = False
        refused = session.post(f"http://{ADDRESS}:8080/v2/registry/beehives/add", json=node, timeout=LIMIT_S)
    assert refused.status_code == 400, refused.text
    return made


def hive(directory: Path, hub_url: str) -> Daemon:
    """A hive whose workers end at once, and whose hub has nothing."""
    _copy(directory, "rbee-hive")
    worker = directory / "bin" / "llm-worker-rbee"
    worker.write_text("#!/bin/sh\nexit 0\n")
    worker.chmod(0o755)
    model = directory / "model.gguf"
    write_model(model, size_bytes=100_000)
    settings = {"RBEE_HUB_URL": hub_url, "RBEE_MODEL_BASE_DIR": str(directory / "models"), "HTTP_PROXY": ""}
    errors, process = _start(directory, "rbee-hive", "daemon", "--port", "9200", port=9200, settings=settings)
    _await_said(directory / "rbee-hive.out", "HTTP server ready")  # its port is open before all its threads are there
    spawn = {
        "model_ref": _texts("hf:org/repo"),
        "model_path": [*_texts(str(model)) * 3, *_texts("/dev/zero", "/", "/no/such.gguf")],
        "backend": _texts("cpu"),
        "device": ["0"],
        "worker_id": ["null", *_texts("worker-1")],
    }
    state = {"worker_id": _texts("worker-9"), "state": _texts("idle", "busy"), "slots_available": ["0", "1"]}
    ready = {name: WORKER_FIELDS[name] for name in ("worker_id", "url", "model_ref", "backend", "device")}
    routes = [
        *HIVE,
        Route("POST", "/v1/workers/spawn", spawn),
        Route("POST", "/v1/workers/ready", ready),
        Route("POST", "/v1/workers/ready", {**ready, "uri": _texts(NOBODY), "vram_bytes": ["1000"]}),
        Route("POST", "/v1/workers/state", state),
    ]

    def facts(daemon: Daemon) -> set[str]:
        workers = {worker["id"] for worker in json.loads(daemon.get("/v1/workers/list"))["workers"]}
        files = {str(path) for path in directory.rglob("*") if path.is_file() and path.suffix != ".part"}
        return workers | files | _rows(directory / ".rbee" / "models.db", "models")

    return Daemon(process, (ADDRESS, 9200), errors, routes, facts)


def worker(directory: Path) -> Daemon:
    """A worker that is ready, without a hive."""
    _copy(directory, "llm-worker-rbee")
    model = directory / "model.gguf"
    write_model(model, size_bytes=100_000, layers=1)
    words = ["--worker-id", "w", "--model", str(model), "--port", "8001", "--callback-url", "http://localhost:9999"]
    errors, process = _start(directory, "llm-worker-rbee", *words, port=8001, settings={})

    def facts(daemon: Daemon) -> set[str]:
        return {"busy"} & set(json.loads(daemon.get("/v1/ready")).values())

    made = Daemon(process, (ADDRESS, 8001), errors, WORKER, facts)
    until_s = time.monotonic() + LIMIT_S
    while '"ready":true' not in made.get("/v1/ready"):
        assert time.monotonic() < until_s, "the worker does not come up"
        clock.sleep(0.02)
    return made
