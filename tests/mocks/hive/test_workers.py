"""The workers of a hive: how they are started, and what the hive knows of them."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import psutil
import pytest

from mocks.common.errors import RbeeError
from mocks.hive import logs
from mocks.hive.workers import Workers
from tests.mocks.hive.conftest import OWN_ADDRESS, Hands, Machine, exit_code, order


def taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((OWN_ADDRESS, port))
        except OSError:
            return True
    return False


def test_command_line_of_a_worker(machine: Machine, tmp_path: Path) -> None:
    words = tmp_path / "words"
    program = machine.program("llm-worker-rbee", f'printf \'%s\\n\' "$0" "$@" >{words}')

    worker = Workers(program, 9200).spawn(order())

    assert exit_code(worker) == 0
    assert words.read_text().splitlines() == [
        str(program),
        *("--worker-id", "worker-abc123"),
        *("--model", "/models/repo.gguf"),
        *("--backend", "cuda"),
        *("--device", "1"),
        *("--port", str(worker.port)),
        *("--callback-url", "http://workstation.home.arpa:9200/v1/workers/ready"),
        *("--api-key", worker.api_key),
    ]


def test_worker_has_the_first_port_that_is_free(workers: Workers) -> None:
    worker = workers.spawn(order())

    assert not taken(worker.port)
    assert all(taken(port) for port in range(8001, worker.port))
    assert worker.url == f"http://workstation.home.arpa:{worker.port}"


def test_taken_ports_are_skipped_and_narrated(workers: Workers, capfd: pytest.CaptureFixture[str]) -> None:
    first = workers.spawn(order("one"))
    other = next(port for port in range(first.port + 1, 65536) if not taken(port))
    with socket.create_server((OWN_ADDRESS, other)):
        second = workers.spawn(order("two"))

    assert second.port > other
    told = capfd.readouterr().out
    assert f"[worker-spawner] Port {first.port} is taken, trying {first.port + 1}\n" in told
    assert f"[worker-spawner] Port {other} is taken, trying {other + 1}\n" in told


def test_key_of_a_worker_is_in_no_log(workers: Workers, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = workers.spawn(order("one")), workers.spawn(order("two"))

    said = capfd.readouterr().out + "\n".join(logs.last())
    assert first.api_key != second.api_key
    assert first.api_key not in said
    assert second.api_key not in said


def test_entry_of_a_started_worker(workers: Workers, hands: Hands) -> None:
    worker = workers.spawn(order())

    assert json.loads(json.dumps(worker.row())) == {
        "id": "worker-abc123",
        "url": worker.url,
        "model_ref": "hf:org/repo",
        "backend": "cuda",
        "device": 1,
        "state": "loading",
        "last_activity": {"secs_since_epoch": hands.now_us // 1_000_000, "nanos_since_epoch": 0},
        "slots_total": 1,
        "slots_available": 0,
        "vram_bytes": None,
        "healthy": True,
        "api_key": worker.api_key,
    }


def test_a_worker_that_stops_is_not_shown_as_idle(workers: Workers) -> None:
    worker = workers.spawn(order())
    worker.changed("idle", 1)

    worker.stopping = True

    assert worker.row()["state"] == "stopping"


def test_callback_leaves_a_worker_loading(workers: Workers, hands: Hands) -> None:
    worker = workers.spawn(order())
    hands.now_us += 1_500_000

    worker.called_back(5_242_880)

    row = worker.row()
    assert (row["state"], row["slots_available"], row["vram_bytes"]) == ("loading", 0, 5_242_880)
    assert row["last_activity"]["nanos_since_epoch"] == 500_000_000


def test_use_ends_with_the_change_to_idle(workers: Workers, hands: Hands) -> None:
    worker = workers.spawn(order())
    assert worker.idle_since_us is None

    worker.changed("idle", 1)
    loaded_us = hands.now_us
    hands.now_us += 1
    worker.changed("idle", 1)
    assert worker.idle_since_us == loaded_us
    worker.changed("busy", 0)
    hands.now_us += 1
    worker.changed("idle", 1)

    assert worker.idle_since_us == hands.now_us


def test_worker_that_crashes_is_dropped_and_logged(workers: Workers, capfd: pytest.CaptureFixture[str]) -> None:
    worker = workers.spawn(order())

    worker.process.send_signal(signal.SIGKILL)

    assert exit_code(worker) == -9
    assert workers.all() == []
    assert " WARN rbee-hive: worker worker-abc123 crashed (exit code -9)\n" in capfd.readouterr().out


def test_worker_that_is_killed_by_its_hive_has_not_crashed(workers: Workers, capfd: pytest.CaptureFixture[str]) -> None:
    worker = workers.spawn(order())

    worker.kill()

    assert exit_code(worker) == -9
    assert " INFO rbee-hive: worker worker-abc123 exited with code -9\n" in capfd.readouterr().out


def test_id_of_a_living_worker_is_taken(workers: Workers) -> None:
    workers.spawn(order())

    with pytest.raises(RbeeError, match="worker-abc123 is registered already") as refused:
        workers.spawn(order())

    assert (refused.value.code, refused.value.status) == ("WORKER_ALREADY_REGISTERED", 409)


@pytest.mark.parametrize(
    ("script", "mode", "reason"),
    [
        (None, 0, "No such file or directory (os error 2)"),
        ("#!/bin/sh", 0o644, "Permission denied (os error 13)"),
        ("not a program", 0o755, "Exec format error (os error 8)"),
    ],
)
def test_program_that_cannot_be_started(script: str | None, mode: int, reason: str, machine: Machine) -> None:
    program = machine.bin / "llm-worker-rbee"
    if script:
        program.write_text(script)
        program.chmod(mode)
    workers = Workers(program, 9200)

    with pytest.raises(RbeeError) as failed:
        workers.spawn(order())

    assert (failed.value.code, failed.value.message) == ("WORKER_FAILED", f"Failed to spawn worker: {reason}")
    assert workers.all() == []


def test_closed_hive_starts_no_worker(workers: Workers) -> None:
    workers.close()

    with pytest.raises(RbeeError, match="shutting down") as refused:
        workers.spawn(order())

    assert refused.value.status == 503


def test_host_of_a_worker_can_be_another(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_WORKER_HOST", "127.0.0.1")

    worker = Workers(machine.program("llm-worker-rbee", "exit 0"), 9200).spawn(order())

    assert worker.url == f"http://127.0.0.1:{worker.port}"
    assert exit_code(worker) == 0


def test_a_worker_that_cannot_be_watched_is_ended(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def failing(text: str) -> None:
        started.extend(psutil.Process(worker.process.pid).pid for worker in workers.all())
        raise OSError("no space left")

    monkeypatch.setattr(logs, "info", failing)

    with pytest.raises(OSError, match="no space left"):
        workers.spawn(order())

    assert workers.all() == []
    assert [psutil.pid_exists(pid) for pid in started] == [False]


def test_where_no_port_is_free_no_worker_is_started(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocks.hive.workers._bound", lambda port: True)

    with pytest.raises(RbeeError, match="No port is free"):
        workers.spawn(order())

    assert workers.all() == []
