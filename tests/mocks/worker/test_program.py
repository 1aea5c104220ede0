"""The program as its hive starts it: command line, exit codes, what it says, and its life from start to exit."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from tests.mocks.worker.hand_clock import HandClock
from tests.mocks.worker.hive_fake import HiveFake

PROJECT = Path(__file__).resolve().parents[3]
PROGRAM = PROJECT / "bin" / "llm-worker-rbee"
LIMIT_S = 20
KEY = {"Authorization": "Bearer key-1"}

Start = Callable[..., "Program"]


class Program:
    """A worker's process. What it says is read line by line."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def until(self, text: str) -> list[str]:
        """The lines up to the one that contains `text`."""
        lines = []
        for line in self.stdout:
            lines.append(line.rstrip("\n"))
            if text in line:
                return lines
        raise AssertionError(f"it ended without saying {text}: {lines}")

    def end(self) -> tuple[int, str, str]:
        """Exit code, and the rest of its stdout and stderr."""
        stdout, stderr = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, stdout, stderr


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        taken: int = probe.getsockname()[1]
        return taken


@pytest.fixture
def start(tmp_path: Path, model_path: Path, hive: HiveFake, port: int) -> Iterator[Start]:
    """Starts the program with a sound command line; named options replace its own."""
    started: list[Program] = []

    def start(**options: object) -> Program:
        usual = {"worker_id": "worker-abc123", "model": model_path, "port": port, "callback_url": hive.callback_url}
        argv = [sys.executable, str(PROGRAM)]
        for name, value in {**usual, **options}.items():
            argv += [f"--{name.replace('_', '-')}", str(value)]
        kept = {name: value for name, value in os.environ.items() if name.startswith("RBEE_")}
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), **kept}
        started.append(Program(argv, env))
        return started[-1]

    yield start
    for program in started:
        program.process.kill()
        program.process.communicate(timeout=LIMIT_S)


def tokens(stream: requests.Response) -> Iterator[dict[str, Any]]:
    for line in stream.iter_lines():
        if line.startswith(b'data: {"type":"token"'):
            yield json.loads(line.removeprefix(b"data: "))


def test_a_worker_lives_from_callback_to_shutdown(
    start: Start, hive: HiveFake, hand_clock: HandClock, port: int
) -> None:
    program = start(backend="cuda", device=1, api_key="key-1")
    url = f"http://127.0.0.1:{port}"

    callback = hive.next()
    assert requests.get(f"{url}/v1/ready", headers=KEY, timeout=LIMIT_S).json()["state"] == "loading"
    hand_clock.flow()
    assert hive.states(1) == [("idle", 1)]
    asked = {"job_id": "job-1", "prompt": "write a short story", "max_tokens": 20, "stream": True}
    with requests.post(f"{url}/v1/inference", json=asked, headers=KEY, stream=True, timeout=LIMIT_S) as stream:
        generated = list(tokens(stream))
    assert hive.states(2) == [("busy", 0), ("idle", 1)]
    shutdown = requests.post(f"{url}/v1/admin/shutdown", headers=KEY, timeout=LIMIT_S)
    code, said, errors = program.end()

    assert (callback.path, callback.authorization) == ("/v1/workers/ready", "Bearer key-1")
    assert len(generated) == 20
    assert shutdown.json() == {"message": "Worker is shutting down"}
    assert (code, errors) == (0, "")
    assert hand_clock.passed_s == pytest.approx(3.2 + 2.0 + 2.0)
    assert "key-1" not in said


def test_it_tells_the_user_what_it_does(start: Start, hand_clock: HandClock, model_path: Path, port: int) -> None:
    program = start(backend="cuda", device=1)
    hand_clock.flow()

    assert program.until("Model loaded!") == [
        "[device-manager] 🖥️ Initialized CUDA device 1",
        f"[llm-worker-rbee] 🌅 Worker starting on port {port}",
        "[llm-worker-rbee] 👋 Reporting ready to rbee-hive",
        f"[model-loader] 📦 Loading model from {model_path}",
        "[model-loader] 🔎 Loader quantized-llama by extension .gguf: vocabulary 32000, end token 2, Q4_K_M, 32 layers",
        "[model-loader] 🛏️ Model loaded! 5 MB cozy in VRAM!",
    ]


def test_after_a_shutdown_request_it_refuses_unloads_after_1_s_and_exits_after_2_s(
    start: Start, hive: HiveFake, hand_clock: HandClock, port: int
) -> None:
    program = start()
    hive.next()
    for _ in range(8):
        hand_clock.move(0.4)
    assert hive.states(1) == [("idle", 1)]
    url = f"http://127.0.0.1:{port}"

    requests.post(f"{url}/shutdown", timeout=LIMIT_S)
    again = requests.post(f"{url}/v1/shutdown", timeout=LIMIT_S)
    refused = requests.post(f"{url}/v1/inference", json={"prompt": "hi", "max_tokens": 1}, timeout=LIMIT_S)
    before = requests.get(f"{url}/health", timeout=LIMIT_S).json()
    hand_clock.move(1)
    program.until("Model unloaded, 5 MB of VRAM free again")
    after = requests.get(f"{url}/health", timeout=LIMIT_S).json()
    hand_clock.move(1)

    assert again.status_code == 200
    assert (refused.status_code, refused.json()["error"]["details"]["state"]) == (503, "stopping")
    assert (before["vram_bytes"], after["vram_bytes"]) == (5_242_880, 0)
    assert program.end()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_with_0(
    start: Start, hive: HiveFake, hand_clock: HandClock, number: signal.Signals
) -> None:
    program = start()
    hive.next()

    program.process.send_signal(number)

    assert program.end()[::2] == (0, "")
    assert hand_clock.passed_s == 0


def test_a_job_under_way_breaks_off_without_its_end(
    start: Start, hive: HiveFake, hand_clock: HandClock, port: int
) -> None:
    program = start()
    hive.next()
    for _ in range(8):
        hand_clock.move(0.4)
    assert hive.states(1) == [("idle", 1)]
    asked = {"prompt": "write a short story", "max_tokens": 2048}
    with requests.post(f"http://127.0.0.1:{port}/v1/inference", json=asked, stream=True, timeout=LIMIT_S) as stream:
        hand_clock.move(0.1)
        told = tokens(stream)
        next(told)

        program.process.send_signal(signal.SIGTERM)

        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(told)
    assert program.end()[0] == 0


def test_a_hive_that_does_not_take_the_callback_ends_it(start: Start, hive: HiveFake) -> None:
    hive.status = 422

    code, said, errors = start().end()

    assert (code, errors) == (1, "Error: Pool manager callback failed: 422 Unprocessable Entity\n")
    assert "[llm-worker-rbee] ❌ Pool manager callback failed: 422 Unprocessable Entity" in said


def test_a_model_that_cannot_be_loaded_ends_it(start: Start, model_path: Path) -> None:
    model_path.write_text("no model")

    code, said, errors = start().end()

    assert (code, errors) == (1, f"Error: {model_path} is not a GGUF file of a llama model: GGUF magic invalid\n")
    assert f"[llm-worker-rbee] ❌ {model_path} is not a GGUF file of a llama model" in said


def test_another_extension_is_refused_before_anything_else(start: Start, tmp_path: Path, hive: HiveFake) -> None:
    (tmp_path / "model.safetensors").touch()

    code, said, errors = start(model=tmp_path / "model.safetensors").end()

    assert code == 1
    refusal = f"No loader for {tmp_path}/model.safetensors: its extension is .safetensors"
    assert errors.startswith(f"Error: {refusal}")
    assert said.startswith(f"[llm-worker-rbee] ❌ {refusal}")
    assert hive.heard_nothing_more()


def test_a_taken_port_is_named(start: Start, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        code, _, errors = start().end()

    assert (code, errors) == (1, f"Error: Failed to bind to 127.0.0.1:{port}: Address already in use (os error 98)\n")


def test_a_wrong_command_line_is_a_usage_error(start: Start) -> None:
    code, said, errors = start(port="0").end()

    assert (code, said) == (2, "")
    assert errors.startswith("error: ")


def test_without_the_project_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    argv = [sys.executable, "-I", "-S", str(PROGRAM), "--help"]

    ended = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("llm-worker-rbee: the project is not installed for this Python")
    assert ended.stderr.endswith("run bin/bdd-runner once, then `. .venv/bin/activate`\n")
