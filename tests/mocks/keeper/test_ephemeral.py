"""An inference with a queen and a hive of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mocks.common import clock
from mocks.keeper import ephemeral
from tests.mocks.keeper.scripted import DONE, KEEPER, LIMIT_S, Answer, Keeper, Queen, Stream

INFER = ("infer", "--ephemeral", "--model", "hf:m", "--prompt", "p")
HIVE_HEALTH = "GET http://localhost:9200/v1/health"
OK = (200, {"status": "ok"})

DAEMON = """#!/usr/bin/env python3
import http.client, os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
name = os.path.basename(sys.argv[0])
print(*sys.argv[1:], flush=True)
http.client.HTTPConnection(os.environ["HTTP_PROXY"].removeprefix("http://")).request("POST", "/up/" + name)
signal.sigwait([signal.SIGTERM])
with open(os.environ["HOME"] + "/ended", "a") as ended:
    print(name, file=ended)
"""
DEAF = DAEMON.replace("signal.sigwait([signal.SIGTERM])", "while True: signal.pause()")


@pytest.fixture
def installed(tmp_path: Path, queen: Queen) -> Keeper:
    """The keeper in a directory with stubs of the daemons, of which none runs yet."""
    directory = tmp_path / "programs"
    directory.mkdir()
    (directory / "rbee-keeper").write_bytes(KEEPER.read_bytes())
    for name in ("queen-rbee", "rbee-hive"):
        put(directory / name, DAEMON)
    queen.will("GET /health", None, once_up(queen, "queen-rbee", OK))
    queen.will(HIVE_HEALTH, None, once_up(queen, "rbee-hive", OK))
    queen.will("POST /v2/tasks", Stream([{"t": "a"}, DONE]))
    return Keeper(tmp_path, queen, directory / "rbee-keeper")


@pytest.fixture
def others() -> list[psutil.Process]:
    """The children that this process has already: what tests before this one have left is not the keeper's."""
    return psutil.Process().children()


def put(path: Path, program: str) -> None:
    path.write_text(program)
    path.chmod(0o755)


def once_up(queen: Queen, name: str, answer: Answer) -> Callable[[], Answer]:
    """An answer that is given as soon as the stub of that name has said that it is up."""
    up = threading.Event()

    def heard() -> Answer:
        up.set()
        return 200, {}

    def told() -> Answer:
        assert up.wait(LIMIT_S)
        return answer

    queen.answers[f"POST /up/{name}"] = [heard]
    return told


def log_of(keeper: Keeper, name: str) -> str:
    return (keeper.home / f".rbee/logs/{name}.log").read_text()


def test_the_inference_runs_on_this_machine(installed: Keeper, queen: Queen) -> None:
    code, out, _ = installed.run(*INFER)

    assert (code, out) == (0, "a")
    assert [asked.body["node"] for asked in queen.asked if asked.body] == ["localhost"]


def test_the_hive_is_started_at_its_port_and_ended_before_the_queen(installed: Keeper) -> None:
    installed.run(*INFER)

    assert log_of(installed, "queen-rbee") == "\n"
    assert log_of(installed, "rbee-hive") == "daemon --port 9200\n"
    assert (installed.home / "ended").read_text() == "rbee-hive\nqueen-rbee\n"


def test_nobody_is_left_when_the_inference_fails(installed: Keeper, queen: Queen, others: list[psutil.Process]) -> None:
    queen.will("POST /v2/tasks", (503, {}))

    code, _, _ = installed.run(*INFER)

    assert code == 1
    assert psutil.Process().children() == others


def test_the_logs_are_named(installed: Keeper) -> None:
    _, _, err = installed.run(*INFER)

    logs = installed.home / ".rbee/logs"
    assert f"[rbee-keeper] 🚀 Starting queen-rbee (log: {logs}/queen-rbee.log)\n" in err
    assert f"[rbee-keeper] 🚀 Starting rbee-hive (log: {logs}/rbee-hive.log)\n" in err


def test_the_daemons_are_awaited(installed: Keeper, queen: Queen, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses_s: list[float] = []
    monkeypatch.setattr(clock, "sleep", pauses_s.append)
    queen.will(HIVE_HEALTH, None, None, None, OK)

    code, _, _ = installed.run(*INFER)

    assert (code, pauses_s) == (0, [0.1, 0.2])


def test_a_daemon_that_does_not_come_up_is_named_with_its_log(
    installed: Keeper, queen: Queen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "sleep", lambda _: None)
    queen.will(HIVE_HEALTH, None, once_up(queen, "rbee-hive", None))

    code, _, err = installed.run(*INFER)

    assert (code, err.splitlines()[-1]) == (
        1,
        f"Error: rbee-hive did not come up: see {installed.home}/.rbee/logs/rbee-hive.log",
    )
    assert (installed.home / "ended").read_text() == "rbee-hive\nqueen-rbee\n"


def test_a_queen_that_runs_already_is_left_alone(installed: Keeper, queen: Queen) -> None:
    queen.will("GET /health", OK)

    code, _, err = installed.run(*INFER)

    assert (code, err.splitlines()[-1]) == (1, "Suggestion: Leave out --ephemeral")
    assert not (installed.home / ".rbee").exists()


def test_a_missing_daemon_is_named_and_the_other_ended(installed: Keeper, others: list[psutil.Process]) -> None:
    (installed.program.parent / "rbee-hive").unlink()

    code, _, err = installed.run(*INFER, PATH="/nowhere:/usr/bin:/bin")

    assert (code, err.splitlines()[-1]) == (
        1,
        f"Error: rbee-hive is neither in {installed.program.parent} nor on PATH",
    )
    assert psutil.Process().children() == others


def test_a_daemon_may_lie_on_path(installed: Keeper) -> None:
    (installed.home / "bin").mkdir()
    (installed.program.parent / "rbee-hive").rename(installed.home / "bin/rbee-hive")

    code, _, _ = installed.run(*INFER)

    assert (code, log_of(installed, "rbee-hive")) == (0, "daemon --port 9200\n")


def test_a_daemon_that_does_not_end_is_killed(
    installed: Keeper, monkeypatch: pytest.MonkeyPatch, others: list[psutil.Process]
) -> None:
    monkeypatch.setattr(ephemeral, "END_LIMIT_S", 0.1)
    put(installed.program.parent / "rbee-hive", DEAF)

    code, _, _ = installed.run(*INFER)

    assert code == 0
    assert psutil.Process().children() == others


def test_sigterm_ends_the_daemons_too(installed: Keeper, queen: Queen) -> None:
    canceled = threading.Event()

    def wait() -> None:
        assert canceled.wait(LIMIT_S)

    queen.will("POST /v2/tasks", Stream([{"t": "a"}, wait]))
    with installed.start(*INFER) as process:
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 100) == b"a"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)
    canceled.set()

    assert process.returncode == 143
    assert (installed.home / "ended").read_text() == "rbee-hive\nqueen-rbee\n"
