"""How programs of the user's own are started and met."""

from __future__ import annotations

import pytest

from harness import peers
from harness.runner.options import WrongUse


def test_without_a_word_everything_is_as_specified() -> None:
    assert peers.hive({}).command("0.0.0.0") == "rbee-hive daemon --port 9200"
    assert peers.variables({}, ["hive", "worker"]) == {}


def test_a_hive_is_started_as_the_user_says() -> None:
    said = {"hive.arguments": "daemon --addr {address}:{port}", "hive.port": "8080"}

    assert peers.hive(said).command("127.1.2.3") == "rbee-hive daemon --addr 127.1.2.3:8080"
    assert peers.variables(said, []) == {
        "RBEE_HIVE_ARGUMENTS": "daemon --addr {address}:{port}",
        "RBEE_HIVE_PORT": "8080",
    }


def test_a_port_that_nobody_of_rbee_asks_is_refused() -> None:
    with pytest.raises(WrongUse, match=r"-D hive\.port=9300: use one of: 9200, 8080"):
        peers.hive({"hive.port": "9300"})


def test_a_queen_of_the_users_cannot_know_the_keys_of_workers() -> None:
    assert peers.variables({"worker.arguments": "--port {port}"}, ["queen"]) == {
        "RBEE_WORKER_ARGUMENTS": "--port {port}",
        "RBEE_WORKER_KEY": "optional",
    }
