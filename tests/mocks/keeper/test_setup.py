"""The registry of nodes, from the user's side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mocks.keeper.scripted import DONE, Keeper, Queen, Stream, Text

REGISTRY = "/v2/registry/beehives"
ADD = ("setup", "add-node", "--name", "workstation", "--ssh-host", "workstation.home.arpa", "--ssh-user", "rbee")
PLACE = ("--git-repo", "https://g/x.git", "--install-path", "~/rbee")
NODE = {
    "node_name": "workstation",
    "ssh_host": "workstation.home.arpa",
    "status": "reachable",
    "last_connected_unix": 1728508603,
    "install_path": "~/rbee",
}


def narration(human: str) -> dict[str, Any]:
    return {"type": "narration", "actor": "queen-rbee", "human": human}


def test_a_node_is_added(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"POST {REGISTRY}/add", (200, {"success": True, "message": "added", "node_name": "workstation"}))

    code, out, err = keeper.run(*ADD, *PLACE, "--ssh-key", "~/.ssh/id_ed25519")

    assert (code, err) == (0, "")
    assert out == (
        "[queen-rbee] Adding node 'workstation' to registry...\n"
        "[queen-rbee] 🔌 Testing SSH connection to workstation.home.arpa\n"
        "[queen-rbee] ✅ SSH connection successful! Node 'workstation' saved to registry\n"
    )


def test_the_row_holds_every_field(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"POST {REGISTRY}/add", (200, {"success": True, "message": "added"}))

    keeper.run(*ADD, *PLACE, "--ssh-key", "~/.ssh/id_ed25519")
    keeper.run(*ADD, *PLACE, "--ssh-port", "2222", "--git-branch", "dev")

    row = {
        "node_name": "workstation",
        "ssh_host": "workstation.home.arpa",
        "ssh_port": 22,
        "ssh_user": "rbee",
        "ssh_key_path": "~/.ssh/id_ed25519",
        "git_repo_url": "https://g/x.git",
        "git_branch": "main",
        "install_path": "~/rbee",
    }
    assert [asked.body for asked in queen.asked] == [
        row,
        {**row, "ssh_port": 2222, "ssh_key_path": None, "git_branch": "dev"},
    ]


@pytest.mark.parametrize("status", [400, 200])
def test_a_node_that_cannot_be_added_is_told_with_the_reason(keeper: Keeper, queen: Queen, status: int) -> None:
    refused = {"success": False, "message": "SSH connection failed: Connection timeout", "node_name": "workstation"}
    queen.will(f"POST {REGISTRY}/add", (status, refused))

    code, out, err = keeper.run(*ADD, *PLACE)

    assert code == 1
    assert out.splitlines()[-1] == "[queen-rbee] ❌ SSH connection failed: Connection timeout"
    assert err == "Error: SSH connection failed: Connection timeout\n"


@pytest.mark.parametrize(
    "answer", [(200, {}), Text(422, "Failed to deserialize"), (404, {}), Text(200, "[" * 10_000), Text(200, "9" * 5000)]
)
def test_an_answer_that_is_none_is_an_error(keeper: Keeper, queen: Queen, answer: Any) -> None:
    queen.will(f"POST {REGISTRY}/add", answer)

    code, _, err = keeper.run(*ADD, *PLACE)

    assert (code, err.splitlines()[0]) == (1, "Error: Failed to parse response from queen-rbee")


def test_nodes_are_listed(keeper: Keeper, queen: Queen) -> None:
    never = {**NODE, "node_name": "mac", "ssh_host": "mac.home.arpa", "status": "unknown", "last_connected_unix": None}
    queen.will(f"GET {REGISTRY}/list", (200, {"nodes": [never, NODE]}))

    code, out, err = keeper.run("setup", "list-nodes")

    assert (code, err) == (0, "")
    assert out == (
        "Registered rbee-hive Nodes:\n"
        "\nmac (mac.home.arpa)\n  Status: unknown\n  Last connected: never\n  Install path: ~/rbee\n"
        "\nworkstation (workstation.home.arpa)\n  Status: reachable\n  Last connected: 2024-10-09 21:16:43\n"
        "  Install path: ~/rbee\n"
    )


@pytest.mark.parametrize("unix_s", [10**30, -(10**18), "today", 1.5])
def test_a_moment_that_is_none_was_never(keeper: Keeper, queen: Queen, unix_s: object) -> None:
    queen.will(f"GET {REGISTRY}/list", (200, {"nodes": [{**NODE, "last_connected_unix": unix_s}]}))

    code, out, _ = keeper.run("setup", "list-nodes")

    assert (code, "Last connected: never\n" in out) == (0, True)


def test_an_empty_list_is_said(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"GET {REGISTRY}/list", (200, {"nodes": []}))

    assert keeper.run("setup", "list-nodes") == (0, "No nodes registered\n", "")


@pytest.mark.parametrize("nodes", [5, {}, ["workstation"]])
def test_a_list_that_is_none_is_an_error(keeper: Keeper, queen: Queen, nodes: object) -> None:
    queen.will(f"GET {REGISTRY}/list", (200, {"nodes": nodes}))

    code, _, err = keeper.run("setup", "list-nodes")

    assert (code, err.splitlines()[-1]) == (1, "    `nodes` is no list of objects")


def test_a_list_that_fails_is_an_error(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"GET {REGISTRY}/list", (500, {"nodes": []}))

    code, out, err = keeper.run("setup", "list-nodes")

    assert (code, out) == (1, "")
    assert err.startswith("Error: Failed to list nodes: HTTP 500 Internal Server Error")


def test_status_is_coloured_where_colours_are_on(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"GET {REGISTRY}/list", (200, {"nodes": [NODE, {**NODE, "status": "offline"}]}))

    _, out, _ = keeper.run("setup", "list-nodes", CLICOLOR_FORCE="1")

    assert "  Status: \033[32mreachable\033[0m\n" in out
    assert "  Status: \033[31moffline\033[0m\n" in out


def test_a_node_is_removed(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"POST {REGISTRY}/remove", (200, {"success": True, "message": "removed"}))

    code, out, err = keeper.run("setup", "remove-node", "--name", "workstation")

    assert (code, err, queen.asked[0].body) == (0, "", {"node_name": "workstation"})
    assert out == (
        "[queen-rbee] Removing node 'workstation' from registry...\n"
        "[queen-rbee] ✅ Node 'workstation' removed from registry\n"
    )


def test_an_unknown_node_cannot_be_removed(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"POST {REGISTRY}/remove", (404, {"success": False, "message": "Node 'mac' not found"}))

    code, out, err = keeper.run("setup", "remove-node", "--name", "mac")

    assert (code, err) == (1, "Error: Node 'mac' not found\n")
    assert out.splitlines()[-1] == "[queen-rbee] ❌ Node 'mac' not found"


def test_an_installation_shows_how_it_goes(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"POST {REGISTRY}/install", Stream([narration("📦 Cloning"), narration("🔨 Building"), DONE]))

    code, out, err = keeper.run("setup", "install", "--node", "workstation")

    assert (code, err, queen.asked[0].body) == (0, "", {"node_name": "workstation"})
    assert out == (
        "[queen-rbee] Installing rbee-hive on node 'workstation'...\n"
        "[queen-rbee] 📦 Cloning\n[queen-rbee] 🔨 Building\n"
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {}), "Error: Node 'mac' not found in registry"),
        ((500, {}), "Error: Failed to install: HTTP 500 Internal Server Error - {}"),
        (Stream([{"type": "error", "code": "INSTALL_FAILED", "message": "`git` failed"}, DONE]), "Error: `git` failed"),
        (Stream([narration("📦 Cloning")], whole=False), "Error: SSE stream closed unexpectedly"),
    ],
)
def test_an_installation_that_fails_is_an_error(keeper: Keeper, queen: Queen, answer: Any, error: str) -> None:
    queen.will(f"POST {REGISTRY}/install", answer)

    code, _, err = keeper.run("setup", "install", "--node", "mac")

    assert (code, err) == (1, f"{error}\n")
