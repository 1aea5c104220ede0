"""`rbee-keeper setup`: the registry of nodes, and installing rbee on them (docs/contract.md, sections 4.5 and 4.6)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from mocks.common.errors import RbeeError
from mocks.keeper import colour, queen

REGISTRY = "/v2/registry/beehives"
FAILING = "Failed to send request to queen-rbee"
_STATUS_COLOURS = {"reachable": colour.GREEN, "offline": colour.RED}


def run(arguments: argparse.Namespace) -> int:
    """Do what the subcommand asks for. Returns the exit code; raises RbeeError when it fails."""
    actions: dict[str, Callable[[argparse.Namespace], None]] = {
        "add-node": add_node,
        "list-nodes": list_nodes,
        "remove-node": remove_node,
        "install": install,
    }
    actions[arguments.action](arguments)
    return 0


def add_node(arguments: argparse.Namespace) -> None:
    """Have the queen test the SSH connection to a node and save it. Raises RbeeError when she does not."""
    _tell(f"Adding node '{arguments.name}' to registry...")
    _tell(f"🔌 Testing SSH connection to {arguments.ssh_host}")
    row = {
        "node_name": arguments.name,
        "ssh_host": arguments.ssh_host,
        "ssh_port": arguments.ssh_port,
        "ssh_user": arguments.ssh_user,
        "ssh_key_path": arguments.ssh_key,
        "git_repo_url": arguments.git_repo,
        "git_branch": arguments.git_branch,
        "install_path": arguments.install_path,
    }
    _change("add", row)
    _tell(f"✅ SSH connection successful! Node '{arguments.name}' saved to registry")


def list_nodes(_: argparse.Namespace) -> None:
    """Print the registered nodes. Raises RbeeError when the queen cannot tell them."""
    with queen.asked("GET", f"{REGISTRY}/list", failing=FAILING) as response:
        if not response.ok:
            raise queen.refusal(response, "Failed to list nodes")
        nodes = queen.rows(response, "nodes")
    if not nodes:
        print("No nodes registered")
        return
    print(colour.paint("Registered rbee-hive Nodes:", colour.BOLD, sys.stdout))
    for node in nodes:
        _print_node(node)


def remove_node(arguments: argparse.Namespace) -> None:
    """Have the queen forget a node. Raises RbeeError when she does not."""
    _tell(f"Removing node '{arguments.name}' from registry...")
    _change("remove", {"node_name": arguments.name})
    _tell(f"✅ Node '{arguments.name}' removed from registry")


def install(arguments: argparse.Namespace) -> None:
    """Have the queen install rbee on a node, and print how it goes. Raises RbeeError when it fails."""
    _tell(f"Installing rbee-hive on node '{arguments.node}'...")
    with queen.asked(
        "POST",
        f"{REGISTRY}/install",
        failing=FAILING,
        limit_s=queen.SILENCE_LIMIT_S,
        json={"node_name": arguments.node},
        stream=True,
    ) as response:
        if response.status_code == requests.codes.not_found:
            raise RbeeError("NODE_NOT_FOUND", f"Node '{arguments.node}' not found in registry")
        if not response.ok:
            raise queen.refusal(response, "Failed to install")
        try:
            for event in queen.stream(response):
                if event.get("type") == "narration":
                    _tell(str(event.get("human")), str(event.get("actor")))
        except RbeeError as failure:
            _tell(f"❌ {failure.message}")
            raise


def _change(action: str, body: Mapping[str, Any]) -> None:
    """Have the queen change the registry. Raises RbeeError, after showing it, when she did not."""
    with queen.asked("POST", f"{REGISTRY}/{action}", failing=FAILING, json=body) as response:
        told = queen.document(response, "success", "message")
        if not response.ok or told["success"] is not True:
            _tell(f"❌ {told['message']}")
            raise RbeeError("REFUSED", str(told["message"]), status=response.status_code)


def _print_node(node: Mapping[str, Any]) -> None:
    connected = _moment(node.get("last_connected_unix"))
    status = str(node.get("status"))
    painted = colour.paint(status, _STATUS_COLOURS.get(status, colour.YELLOW), sys.stdout)
    print()
    print(f"{colour.paint(str(node.get('node_name')), colour.BOLD, sys.stdout)} ({node.get('ssh_host')})")
    print(f"  Status: {painted}")
    print(f"  Last connected: {connected}")
    print(f"  Install path: {node.get('install_path')}")


def _moment(unix_s: object) -> str:
    """When that was, for a person; `never` for what is no moment."""
    if not isinstance(unix_s, int):
        return "never"
    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "never"


def _tell(text: str, actor: str = "queen-rbee") -> None:
    print(f"{colour.paint(f'[{actor}]', colour.CYAN, sys.stdout)} {text}", flush=True)
