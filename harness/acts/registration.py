"""Nodes in the queen's registry, as the operator puts them there."""

from __future__ import annotations

from typing import Any

from harness import fixtures
from harness.stage import Stage, StageError


def register(stage: Stage, node: str) -> None:
    """Register `node` with the queen over HTTP, and make sure that it is: the status, and the row.

    Raises StageError when the queen refused or did not write the row, requests' exceptions when she cannot be
    reached."""
    answer = stage.ask("POST", f"{fixtures.QUEEN_URL}/v2/registry/beehives/add", json=_fields(stage, node))
    if answer.status_code != 200:
        raise StageError(f"the queen did not add {node}: {answer.status_code} {answer.text}")
    rows = stage.evidence.registry_rows(node)
    if [row["status"] for row in rows] != ["reachable"]:
        raise StageError(f"the queen said that she added {node}, but its rows are {rows}")


def empty(stage: Stage) -> None:
    """Remove every node from the queen's registry. Raises StageError when the queen refuses."""
    for row in stage.evidence.registry_rows():
        body = {"node_name": row["node_name"]}
        answer = stage.ask("POST", f"{fixtures.QUEEN_URL}/v2/registry/beehives/remove", json=body)
        if answer.status_code != 200:
            raise StageError(f"the queen did not remove {row['node_name']}: {answer.status_code} {answer.text}")


def _fields(stage: Stage, node: str) -> dict[str, Any]:
    return {
        "node_name": node,
        "ssh_host": stage.places[node].host,
        "ssh_port": 22,
        "ssh_user": fixtures.SSH_USER,
        "ssh_key_path": str(stage.places[stage.control].path(fixtures.SSH_KEY)),
        "git_repo_url": fixtures.GIT_REPO,
        "git_branch": fixtures.GIT_BRANCH,
        "install_path": fixtures.INSTALL_PATH,
    }
