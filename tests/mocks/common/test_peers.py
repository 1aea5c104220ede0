"""What a stand-in is told of peers that are no stand-ins."""

from __future__ import annotations

import pytest

from mocks.common import peers

FACTS = {
    "worker_id": "w 1",
    "model": "/m.gguf",
    "backend": "cuda",
    "device": "1",
    "port": "8001",
    "callback_url": "http://h:9200/v1/workers/ready",
    "api_key": "key-1",
}


def test_a_hive_is_started_as_specified() -> None:
    assert peers.hive_arguments("0.0.0.0") == "daemon --port 9200"


def test_a_hive_is_started_as_its_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_HIVE_ARGUMENTS", "daemon --addr {address}:{port}")
    monkeypatch.setenv("RBEE_HIVE_PORT", "8080")

    assert peers.hive_arguments("127.1.2.3") == "daemon --addr 127.1.2.3:8080"


def test_a_worker_is_told_everything() -> None:
    words = peers.worker_arguments(FACTS)

    assert dict(zip(words[::2], words[1::2], strict=True)) == {
        f"--{name.replace('_', '-')}": fact for name, fact in FACTS.items()
    }


def test_a_worker_is_told_what_its_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_WORKER_ARGUMENTS", "--worker-id {worker_id} --port={port} '--x y'")

    assert peers.worker_arguments(FACTS) == ["--worker-id", "w 1", "--port=8001", "--x y"]


def test_keys_are_asked_for_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not peers.keys_are_optional()

    monkeypatch.setenv("RBEE_WORKER_KEY", "optional")

    assert peers.keys_are_optional()
