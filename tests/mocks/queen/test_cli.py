"""The program as its user meets it: command line, log, exit codes."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.mocks.queen.fakes import fresh_host

PROJECT = Path(__file__).resolve().parents[3]
PROGRAM = PROJECT / "bin" / "queen-rbee"
LIMIT_S = 30

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the program; it listens at an address of its own, which is `host`."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, host: str = "127.0.0.1") -> subprocess.Popen[str]:
        environment = {
            "HOME": str(tmp_path),
            "PYTHONPATH": str(PROJECT),
            "PATH": "/usr/bin:/bin",
            "RBEE_BIND_HOST": host,
        }
        process = subprocess.Popen(
            [sys.executable, PROGRAM, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def texts(stdout: str) -> list[str]:
    """What stands in a log, without times."""
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z  INFO queen-rbee: (.*)")
    return [match[1] for line in stdout.splitlines() if (match := pattern.fullmatch(line))]


def until_listening(process: subprocess.Popen[str]) -> list[str]:
    """The log up to the line that says that it listens."""
    assert process.stdout
    seen: list[str] = []
    for line in process.stdout:
        seen += texts(line)
        if "HTTP server listening" in line:
            return seen
    raise AssertionError(f"the queen ended: {process.stderr and process.stderr.read()}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=LIMIT_S)
    return process.returncode, stdout, stderr


def test_start_is_logged_and_the_database_made(start: Start, tmp_path: Path) -> None:
    host = fresh_host()

    log = until_listening(start(host=host))

    assert log == [
        "🐝 queen-rbee Orchestrator Daemon starting...",
        "Port: 8080",
        "✅ Beehive registry initialized (SQLite)",
        "✅ Worker registry initialized (in-memory)",
        f"🚀 HTTP server listening on {host}:8080",
    ]
    assert (tmp_path / ".rbee" / "beehives.db").exists()


def test_queen_answers_where_it_says(start: Start, tmp_path: Path) -> None:
    host = fresh_host()
    database = tmp_path / "deep" / "q.db"

    until_listening(start("daemon", "-p", "8081", "-d", str(database), "-c", "any", host=host))

    with requests.Session() as session:
        session.trust_env = False
        assert session.get(f"http://{host}:8081/health", timeout=LIMIT_S).json()["status"] == "ok"
    assert database.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_in_good_order(start: Start, number: signal.Signals) -> None:
    process = start(host=fresh_host())
    until_listening(process)

    process.send_signal(number)
    code, stdout, stderr = ended(process)

    assert (code, stderr) == (0, "")
    assert texts(stdout) == ["Shutdown signal received", "👋 queen-rbee shutting down"]


def test_taken_port_is_an_error_after_the_database_was_made(start: Start, tmp_path: Path) -> None:
    host = fresh_host()
    with closing(socket.create_server((host, 0))) as taken:
        code, stdout, stderr = ended(start("--port", str(taken.getsockname()[1]), host=host))

    assert (code, stderr) == (1, "Error: Address already in use (os error 98)\n")
    assert texts(stdout)[-1] == "👋 queen-rbee shutting down"
    assert (tmp_path / ".rbee" / "beehives.db").exists()


def test_directory_that_cannot_be_made_is_an_error(start: Start) -> None:
    code, _, stderr = ended(start("--database", "/proc/none/beehives.db"))

    assert (code, stderr) == (1, "Error: No such file or directory (os error 2)\n")


def test_unusable_database_is_an_error_with_its_causes(start: Start, tmp_path: Path) -> None:
    code, _, stderr = ended(start("--database", str(tmp_path)))

    assert code == 1
    assert stderr == (
        "Error: Failed to open beehives.db\n\nCaused by:\n"
        f"    0: unable to open database file: {tmp_path}\n"
        "    1: Error code 14: Unable to open the database file\n"
    )


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["--port", "65536"], ["--port", "x"], ["serve"], ["-p", "1", "--port", "2"]]
)
def test_wrong_use_is_explained(start: Start, arguments: list[str]) -> None:
    code, stdout, stderr = ended(start(*arguments))

    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: ")
    assert "\n\nUsage: queen-rbee " in stderr
    assert stderr.endswith("\n\nFor more information, try '--help'.\n")


def test_version_is_told(start: Start) -> None:
    assert ended(start("--version")) == (0, "queen-rbee 0.1.0\n", "")


def test_help_names_every_option(start: Start) -> None:
    code, stdout, _ = ended(start("--help"))

    assert code == 0
    assert all(option in stdout for option in ("--port", "--database", "--config", "daemon"))


def test_project_that_is_not_installed_is_explained_in_a_sentence(tmp_path: Path) -> None:
    copied = tmp_path / "queen-rbee"
    copied.write_bytes(PROGRAM.read_bytes())

    done = subprocess.run(
        [sys.executable, "-I", "-S", copied],
        env={},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("queen-rbee: the project is not installed")
    assert "bin/bdd-runner" in done.stderr
    assert "Traceback" not in done.stderr
