"""The routes of the registry, asked over HTTP; rows are read without the queen, logins seen at the node."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from mocks.queen import node_routes
from tests.mocks.queen.conftest import START_US, Client, Hands, node
from tests.mocks.queen.fakes import SshNode, failing, fresh_host, swallowing

ADD = "/v2/registry/beehives/add"
LIST = "/v2/registry/beehives/list"
REMOVE = "/v2/registry/beehives/remove"
INSTALL = "/v2/registry/beehives/install"
TEST = "echo 'connection test'"


def body(host: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "node_name": "workstation",
        "ssh_host": host,
        "ssh_user": "rbee",
        "ssh_key_path": None,
        "git_repo_url": "https://github.com/user/llama-orch.git",
        "git_branch": "main",
        "install_path": "~/rbee",
    }
    return {**usual, **changes}


def body_for(ssh_node: SshNode, key: Path, **changes: Any) -> dict[str, Any]:
    return body(ssh_node.host, ssh_port=ssh_node.port, ssh_key_path=str(key), **changes)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / ".rbee" / "beehives.db"


def rows(database: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT * FROM beehives").fetchall()


@pytest.mark.usefixtures("hands")
def test_added_node_has_its_row(client: Client, ssh_node: SshNode, key: Path, database: Path) -> None:
    answer = client.post(ADD, body_for(ssh_node, key, backends='["cuda"]', devices='{"cuda":2}'))

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Node 'workstation' added successfully",
        "node_name": "workstation",
    }
    assert rows(database) == [
        (
            "workstation",
            ssh_node.host,
            ssh_node.port,
            "rbee",
            str(key),
            "https://github.com/user/llama-orch.git",
            "main",
            "~/rbee",
            START_US // 1_000_000,
            "reachable",
            '["cuda"]',
            '{"cuda":2}',
        )
    ]


def test_login_is_tested_once(client: Client, ssh_node: SshNode, key: Path) -> None:
    client.post(ADD, body_for(ssh_node, key))

    assert (ssh_node.logins, ssh_node.ran) == (["rbee"], [TEST])


def refused(client: Client, database: Path, told: dict[str, Any]) -> Any:
    """The message with which a node is not added."""
    answer = client.post(ADD, told)

    assert rows(database) == []
    assert (answer.status_code, answer.json()["success"], answer.json()["node_name"]) == (400, False, "workstation")
    return answer.json()["message"]


def test_silent_host_is_a_timeout(
    client: Client, host: str, key: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_routes, "SSH_LIMIT_S", 0.2)

    with swallowing(host, 2222):
        message = refused(client, database, body(host, ssh_port=2222, ssh_key_path=str(key)))

    assert message == "SSH connection failed: Connection timeout"


def test_closed_port_is_a_refusal(client: Client, host: str, database: Path) -> None:
    assert refused(client, database, body(host, ssh_port=1)) == "SSH connection failed: Connection refused"


def test_wrong_key_is_denied(client: Client, ssh_node: SshNode, tmp_path: Path, database: Path) -> None:
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(stranger)

    message = refused(client, database, body_for(ssh_node, stranger))

    assert message == "SSH connection failed: Permission denied (publickey)"


def test_missing_key_is_named(client: Client, ssh_node: SshNode, tmp_path: Path, database: Path) -> None:
    missing = tmp_path / "none"

    message = refused(client, database, body_for(ssh_node, missing))

    assert message == f"SSH connection failed: there is no key at {missing}"


def test_failed_test_command_is_a_failed_connection(
    client: Client, ssh_node: SshNode, key: Path, database: Path
) -> None:
    ssh_node.commands[TEST] = failing(1, "no shell here")

    message = refused(client, database, body_for(ssh_node, key))

    assert message == "SSH connection failed: the connection test ended with code 1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ssh_port": "22"}, 'ssh_port: invalid type: string "22", expected u16'),
        ({"ssh_port": 65536}, "ssh_port: invalid value: integer `65536`, expected u16"),
        ({"backends": ["cuda"]}, "backends: invalid type: sequence, expected a string"),
    ],
)
def test_unfit_field_is_refused_before_any_login(
    client: Client, ssh_node: SshNode, key: Path, database: Path, changes: dict[str, Any], reason: str
) -> None:
    answer = client.post(ADD, {**body_for(ssh_node, key), **changes})

    assert answer.status_code == 422
    assert reason in answer.text
    assert (rows(database), ssh_node.logins) == ([], [])


@pytest.mark.parametrize("missing", ["node_name", "ssh_host", "ssh_user", "git_repo_url", "git_branch", "install_path"])
def test_field_that_is_missing_is_named(client: Client, database: Path, missing: str) -> None:
    told = body(fresh_host())
    del told[missing]

    answer = client.post(ADD, told)

    assert answer.status_code == 422
    assert f"missing field `{missing}`" in answer.text
    assert rows(database) == []


def test_node_that_cannot_be_saved_is_an_error(client: Client, ssh_node: SshNode, key: Path, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE beehives")

    answer = client.post(ADD, body_for(ssh_node, key))

    assert answer.status_code == 500
    assert answer.json()["message"] == "Failed to save node: no such table: beehives"


def test_list_has_every_field_of_every_node(client: Client) -> None:
    client.queen.registry.add(node("h2", name="b"))
    client.queen.registry.add(node("h1", name="a"))

    answer = client.get(LIST)

    assert [one["node_name"] for one in answer.json()["nodes"]] == ["a", "b"]
    assert answer.json()["nodes"][0] == {
        "node_name": "a",
        "ssh_host": "h1",
        "ssh_port": 22,
        "ssh_user": "rbee",
        "ssh_key_path": None,
        "git_repo_url": "https://github.com/user/llama-orch.git",
        "git_branch": "main",
        "install_path": "~/rbee",
        "last_connected_unix": None,
        "status": "unknown",
        "backends": None,
        "devices": None,
    }


def test_list_of_an_older_table_is_empty_and_an_error(client: Client, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE beehives DROP COLUMN backends")

    answer = client.get(LIST)

    assert (answer.status_code, answer.json()) == (500, {"nodes": []})


def test_removed_node_is_gone(client: Client, database: Path) -> None:
    client.queen.registry.add(node("h"))

    answer = client.post(REMOVE, {"node_name": "workstation"})

    assert answer.json() == {"success": True, "message": "Node 'workstation' removed successfully"}
    assert rows(database) == []


@pytest.mark.parametrize(("told", "name"), [({"node_name": "x"}, "x"), ({}, "")])
def test_unknown_node_cannot_be_removed(client: Client, told: dict[str, str], name: str) -> None:
    answer = client.post(REMOVE, told)

    assert (answer.status_code, answer.json()) == (404, {"success": False, "message": f"Node '{name}' not found"})


def test_node_without_a_name_can_be_removed(client: Client, database: Path) -> None:
    client.queen.registry.add(node("h", name=""))

    answer = client.post(REMOVE, {"node_name": ""})

    assert answer.status_code == 200
    assert rows(database) == []


def test_removal_that_fails_is_an_error(client: Client, database: Path, hands: Hands) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        answer = client.post(REMOVE, {"node_name": "workstation"})

    message = "Failed to remove node: database is locked"
    assert (answer.status_code, answer.json()) == (500, {"success": False, "message": message})
    assert hands.pauses_s


def test_installation_clones_checks_out_and_builds(client: Client, ssh_node: SshNode, key: Path) -> None:
    client.queen.registry.add(node(ssh_node.host, ssh_port=ssh_node.port, key_path=str(key)))

    told = client.events(INSTALL, {"node_name": "workstation"})

    assert ssh_node.ran == [
        "mkdir -p ~/rbee",
        "cd ~/rbee && git clone https://github.com/user/llama-orch.git .",
        "cd ~/rbee && git checkout main",
        "cd ~/rbee && cargo build --release -p rbee-hive",
        "cd ~/rbee && cargo build --release -p llm-worker-rbee",
    ]
    assert [event["human"] for event in told] == [
        "📦 Cloning repository on workstation",
        "🔨 Building rbee-hive and llm-worker-rbee",
        "✅ Installation complete on workstation!",
    ]


def test_step_that_fails_ends_the_installation(client: Client, ssh_node: SshNode, key: Path) -> None:
    client.queen.registry.add(node(ssh_node.host, ssh_port=ssh_node.port, key_path=str(key)))
    checkout = "cd ~/rbee && git checkout main"
    ssh_node.commands[checkout] = failing(1, "error: pathspec 'main' did not match\n")

    *_, error = client.events(INSTALL, {"node_name": "workstation"})

    assert ssh_node.ran[-1] == checkout
    assert (error["type"], error["code"]) == ("error", "INSTALL_FAILED")
    assert error["message"] == f"`{checkout}` failed on workstation: error: pathspec 'main' did not match"
    assert error["details"] == {
        "node": "workstation",
        "host": ssh_node.host,
        "command": checkout,
        "exit_code": 1,
        "stderr": "error: pathspec 'main' did not match\n",
    }


def test_node_that_refuses_logins_is_told(client: Client, host: str) -> None:
    client.queen.registry.add(node(host, ssh_port=1))

    (error,) = client.events(INSTALL, {"node_name": "workstation"})

    assert error["code"] == "SSH_FAILED"
    assert error["message"].startswith("SSH connection failed: ")


def test_nothing_is_installed_on_an_unknown_node(client: Client) -> None:
    answer = client.post(INSTALL, {"node_name": "nobody"})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NODE_NOT_FOUND"
    assert answer.json()["error"]["details"] == {"node": "nobody"}
