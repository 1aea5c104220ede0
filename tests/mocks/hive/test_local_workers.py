"""Workers that were started from the terminal."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mocks.common import clock
from mocks.common.errors import RbeeError
from mocks.hive import cli
from tests.mocks.hive.conftest import Machine

PROJECT = Path(__file__).resolve().parents[3]
REGISTER = ("models", "register", "tiny", "--name", "Tiny", "--repo", "org/tiny", "--architecture", "llama")
SPAWN = ("worker", "spawn", "cuda", "--model", "tiny", "--gpu", "1")


def run(*words: str) -> int:
    """The exit code of a command."""
    arguments = cli.parser().parse_args(words)
    return int(arguments.run(arguments))


class Terminal:
    """A directory in which commands are given, with a registered model."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        run(*REGISTER)

    def file(self, kind: str) -> Path:
        return self.machine.home / ".runtime" / "workers" / f"worker-cuda-1.{kind}"

    def spawn(self, script: str) -> str:
        """What the command prints that starts a worker which does what `script` says."""
        self.machine.program("llm-worker-rbee", script)
        argv = [sys.executable, str(PROJECT / "bin" / "rbee-hive"), *SPAWN]
        env = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return subprocess.run(argv, env=env, check=True, capture_output=True, text=True, timeout=20).stdout

    def pid(self) -> int:
        return int(self.file("pid").read_text())


def python(code: str) -> str:
    """A worker's script that runs `code` with the worker's command line behind it."""
    return f'exec {sys.executable} -c "import signal; {code}" "$@"'


def gone(pid: int) -> bool:
    """Wait until a process has ended. False when it lives after 10 s."""
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with open(end, "rb", buffering=0) as ended:
        return bool(select.select([ended], [], [], 10)[0])


@pytest.fixture
def terminal(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.chdir(machine.home)
    made = Terminal(machine)
    yield made
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(machine.home) and "worker-cuda-1" in process.cmdline():
                process.kill()


def test_spawned_worker_has_its_files(terminal: Terminal) -> None:
    printed = terminal.spawn('echo "$@"')

    assert printed.endswith("   Port: 8001\n")
    assert gone(terminal.pid())
    assert terminal.file("log").read_text().split() == [
        *("--worker-id", "worker-cuda-1", "--model", ".test-models/tiny", "--backend", "cuda", "--port", "8001"),
        *("--device", "1", "--callback-url", "http://localhost:9999/v1/workers/ready"),
    ]
    assert {**json.loads(terminal.file("json").read_text()), "started_at": ""} == {
        "worker_id": "worker-cuda-1",
        "pid": terminal.pid(),
        "backend": "cuda",
        "model_id": "tiny",
        "port": 8001,
        "started_at": "",
    }


def test_stopped_worker_leaves_its_log(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.spawn(python("signal.pause()"))
    pid = terminal.pid()
    capsys.readouterr()

    assert run("worker", "stop", "worker-cuda-1") == 0

    assert gone(pid)
    assert capsys.readouterr().out == "✅ Worker worker-cuda-1 stopped\n"
    assert [path.name for path in terminal.file("log").parent.iterdir()] == ["worker-cuda-1.log"]


def test_worker_that_stays_is_killed_after_two_seconds(
    terminal: Terminal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = terminal.machine.home / "deaf"
    os.mkfifo(deaf)
    terminal.spawn(python(f"signal.signal(15, signal.SIG_IGN); open('{deaf}', 'w').close(); signal.pause()"))
    pid = terminal.pid()
    deaf.read_text()
    limits: list[float] = []

    def short(limit_s: float) -> clock.Limit:
        limits.append(limit_s)
        return clock.Limit(0.05)

    monkeypatch.setattr(clock, "limit", short)
    capsys.readouterr()

    assert run("worker", "stop", "worker-cuda-1") == 0

    assert gone(pid)
    assert limits == [2]
    assert capsys.readouterr().out == "   Worker still running, forcing kill\n✅ Worker worker-cuda-1 stopped\n"


def test_worker_runs_once(terminal: Terminal) -> None:
    terminal.spawn(python("signal.pause()"))

    with pytest.raises(RbeeError, match="worker-cuda-1 runs already"):
        run(*SPAWN)


def test_running_worker_is_listed(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.spawn(python("signal.pause()"))
    capsys.readouterr()

    assert run("worker", "list") == 0

    assert capsys.readouterr().out.startswith(f"worker-cuda-1  running, process {terminal.pid()}, port 8001\n")


def test_process_of_somebody_else_is_not_taken_for_a_worker(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.spawn("exit 0")
    terminal.file("pid").write_text(f"{os.getpid()}\n")
    capsys.readouterr()

    assert run("worker", "list") == 0

    assert capsys.readouterr().out.startswith("worker-cuda-1  not running")


def test_unknown_worker_is_named() -> None:
    with pytest.raises(RbeeError, match="worker-cpu-0 not found"):
        run("worker", "stop", "worker-cpu-0")


@pytest.mark.usefixtures("terminal")
def test_missing_program_is_named() -> None:
    with pytest.raises(RbeeError, match="llm-worker-rbee is not on the PATH"):
        run(*SPAWN)


@pytest.mark.parametrize("worker_id", ["../worker", "/etc/passwd", ""])
def test_a_worker_is_not_looked_for_elsewhere(
    worker_id: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.home)
    with pytest.raises(RbeeError, match="not found"):
        run("worker", "stop", worker_id)


@pytest.mark.parametrize("text", ["{}", "[" * 3000, "[]", '{"worker_id": 1}'])
def test_a_worker_s_file_that_is_none_is_named(text: str, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine.home)
    Path(".runtime/workers").mkdir(parents=True)
    Path(".runtime/workers/worker-cpu-0.json").write_text(text)

    with pytest.raises(RbeeError, match=r"worker-cpu-0\.json .* move it away"):
        run("worker", "list")
