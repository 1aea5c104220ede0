"""Installing rbee on a node over SSH (docs/contract.md, section 9 row 3)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from mocks.common import events, ssh
from mocks.common.errors import RbeeError
from mocks.queen.hives import login_of, remote_path
from mocks.queen.registry import Node
from mocks.queen.task import ACTOR, Event

LOGIN_LIMIT_S = 10
COMMAND_LIMIT_S = 1800
"""A clone or a build may take its time, but not for ever."""


def install(node: Node) -> Iterator[bytes]:
    """Clone, check out and build on `node`: the stream that tells of it, with an error event when a step fails."""
    try:
        yield from map(events.encode, _steps(node))
    except RbeeError as failure:
        yield events.encode(failure.event())
    yield events.DONE


def _steps(node: Node) -> Iterator[Event]:
    path = remote_path(node.install_path)
    _run(node, f"mkdir -p {path}", limit_s=LOGIN_LIMIT_S)
    yield events.narration(ACTOR, f"📦 Cloning repository on {node.node_name}")
    _run(node, f"cd {path} && git clone {shlex.quote(node.git_repo_url)} .")
    _run(node, f"cd {path} && git checkout {shlex.quote(node.git_branch)}")
    yield events.narration(ACTOR, "🔨 Building rbee-hive and llm-worker-rbee")
    _run(node, f"cd {path} && cargo build --release -p rbee-hive")
    _run(node, f"cd {path} && cargo build --release -p llm-worker-rbee")
    yield events.narration(ACTOR, f"✅ Installation complete on {node.node_name}!")


def _run(node: Node, command: str, *, limit_s: float = COMMAND_LIMIT_S) -> None:
    """Run a command on the node.

    Raises RbeeError: SSH_FAILED, or INSTALL_FAILED with what the command said on stderr."""
    names: dict[str, Any] = {"node": node.node_name, "host": node.ssh_host, "command": command}
    try:
        done = ssh.run(login_of(node), command, limit_s=limit_s)
    except ssh.SshError as error:
        raise RbeeError("SSH_FAILED", f"SSH connection failed: {error}", **names) from error
    if done.code != 0:
        said = done.stderr.strip() or f"exit code {done.code}"
        message = f"`{command}` failed on {node.node_name}: {said}"
        raise RbeeError("INSTALL_FAILED", message, **names, exit_code=done.code, stderr=done.stderr)
