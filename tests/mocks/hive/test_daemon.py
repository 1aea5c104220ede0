"""The daemon as a process: what it says, how it ends, what it leaves."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from mocks.hive import catalog
from tests.mocks.hive.conftest import OWN_ADDRESS, Machine

PROJECT = Path(__file__).resolve().parents[3]
OBEDIENT = Path(__file__).with_name("worker_obedient.py")
LIMIT_S = 20


class Daemon:
    """A hive that runs on `machine`, with obedient workers."""

    def __init__(self, machine: Machine) -> None:
        machine.program("llm-worker-rbee", f'exec {sys.executable} {OBEDIENT} "$@"')
        program = shutil.copy(str(PROJECT / "bin" / "rbee-hive"), machine.bin)
        with socket.create_server((OWN_ADDRESS, 0)) as probe:
            self.port = probe.getsockname()[1]
        # Others reach the node by its name; here that is its address.
        env = {**os.environ, "PYTHONPATH": str(PROJECT), "RBEE_NODE_HOST": OWN_ADDRESS}
        argv = [sys.executable, program, "daemon", "--port", str(self.port)]
        self.process = subprocess.Popen(argv, env=env, cwd=machine.home, stdout=subprocess.PIPE, text=True)
        self.model = machine.home / "model.gguf"
        self.model.write_bytes(b"GGUF")

    def line(self, *, with_text: str) -> str:
        """The next line of its output that has this text."""
        assert self.process.stdout
        for line in self.process.stdout:
            if with_text in line:
                return line
        raise AssertionError(f"the hive ended before it said {with_text!r}")

    def ask(self, method: str, path: str, **body: object) -> requests.Response:
        return requests.request(method, f"http://{OWN_ADDRESS}:{self.port}{path}", json=body or None, timeout=LIMIT_S)

    def spawn(self) -> None:
        body = {"model_ref": "hf:org/repo", "backend": "cpu", "device": 0, "model_path": str(self.model)}
        assert self.ask("POST", "/v1/workers/spawn", **body).status_code == 200


@pytest.fixture
def daemon(machine: Machine) -> Iterator[Daemon]:
    made = Daemon(machine)
    yield made
    children = psutil.Process(made.process.pid).children() if made.process.poll() is None else []
    for child in children:
        child.kill()
    made.process.kill()
    made.process.communicate(timeout=LIMIT_S)


def test_it_tells_that_it_starts_and_then_that_it_listens(daemon: Daemon) -> None:
    assert daemon.line(with_text="") == f"[rbee-hive] 🌅 Starting pool manager on port {daemon.port}\n"
    assert daemon.line(with_text="") == f"[http-server] 🚀 HTTP server ready on port {daemon.port}\n"
    assert daemon.ask("GET", "/v1/health").json()["status"] == "alive"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_workers_and_hive(number: signal.Signals, daemon: Daemon) -> None:
    daemon.line(with_text="HTTP server ready")
    for _ in range(3):
        daemon.spawn()
        daemon.line(with_text="listening")
    workers = psutil.Process(daemon.process.pid).children()

    daemon.process.send_signal(number)
    rest = daemon.process.communicate(timeout=LIMIT_S)[0]

    assert daemon.process.returncode == 0
    assert rest.count("asked /v1/admin/shutdown\n") == 3
    assert rest.count("exited with code 0\n") == 3
    assert [worker for worker in workers if worker.is_running()] == []
    assert catalog.find("hf", "org/repo") is None


def test_hive_outlives_who_reads_its_output(daemon: Daemon) -> None:
    daemon.line(with_text="HTTP server ready")
    assert daemon.process.stdout
    daemon.process.stdout.close()

    daemon.spawn()

    assert len(daemon.ask("GET", "/v1/workers/list").json()["workers"]) == 1


def test_taken_port_is_named(machine: Machine) -> None:
    with socket.create_server((OWN_ADDRESS, 0)) as other:
        port = other.getsockname()[1]
        argv = [sys.executable, str(PROJECT / "bin" / "rbee-hive"), "daemon", "--addr", f"{OWN_ADDRESS}:{port}"]

        ended = subprocess.run(
            argv,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            cwd=machine.home,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: Failed to bind to {OWN_ADDRESS}:{port}: Address already in use (os error 98)\n\n"
        "Caused by:\n    Address already in use (os error 98)\n"
    )


def test_python_without_the_project_is_told_what_to_do(machine: Machine) -> None:
    argv = [sys.executable, "-I", "-S", str(PROJECT / "bin" / "rbee-hive"), "status"]

    ended = subprocess.run(argv, cwd=machine.home, capture_output=True, text=True, timeout=LIMIT_S)

    assert ended.returncode == 1
    assert "run bin/bdd-runner once, then `. .venv/bin/activate`" in ended.stderr
    assert "Traceback" not in ended.stderr
