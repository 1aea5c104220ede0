"""What the environment says about the machine."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from mocks.common import machine


def test_listens_everywhere_unless_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RBEE_BIND_HOST", raising=False)
    assert machine.bind_host() == "0.0.0.0"

    monkeypatch.setenv("RBEE_BIND_HOST", "127.0.0.9")
    assert machine.bind_host() == "127.0.0.9"


def test_node_host_is_the_host_name_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_NODE_HOST", "")
    assert machine.node_host() == os.uname().nodename

    monkeypatch.setenv("RBEE_NODE_HOST", "workstation.home.arpa")
    assert machine.node_host() == "workstation.home.arpa"


def test_version_is_that_of_the_contract_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RBEE_VERSION", raising=False)
    assert machine.version() == "0.1.0"

    monkeypatch.setenv("RBEE_VERSION", "0.2.0")
    assert machine.version() == "0.2.0"


def test_an_empty_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")

    assert machine.home() == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_absolute_paths_lie_below_the_root_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RBEE_ROOT", raising=False)
    assert machine.rooted("/models") == Path("/models")

    monkeypatch.setenv("RBEE_ROOT", "/sandbox")
    assert machine.rooted("/models/a.gguf") == Path("/sandbox/models/a.gguf")
