"""`rbee-keeper pool`: commands on a pool's machine, by the program ssh (docs/contract.md, section 1.2)."""

from __future__ import annotations

import argparse
import subprocess
import sys

from mocks.common.errors import RbeeError
from mocks.keeper import config


def run(arguments: argparse.Namespace) -> int:
    """Run the command over there, with this terminal as its own. Returns the exit code.

    Raises RbeeError when ssh or the command fails, OSError when there is no program ssh.
    """
    sys.stdout.flush()
    done = subprocess.run(["ssh", arguments.host, command(arguments, config.remote())], check=False)
    if done.returncode != 0:
        raise RbeeError("SSH_FAILED", "SSH command failed")
    return 0


def command(arguments: argparse.Namespace, remote: config.Remote) -> str:
    """What the shell over there is told."""
    if arguments.part == "status":
        return f"{remote.binary_path} status"
    if arguments.part == "git":
        commands = {"pull": "git pull", "status": "git status", "build": "cargo build --release -p rbee-hive"}
        return f"cd {remote.git_repo_dir} && {commands[arguments.action]}"
    return f"{remote.binary_path} {_of_hive(arguments)}"


def _of_hive(arguments: argparse.Namespace) -> str:
    match arguments.part, arguments.action:
        case "models", "download":
            return f"models download {arguments.model}"
        case "models", "register":
            names = f"--name '{arguments.name}' --repo '{arguments.repo}'"
            return f"models register {arguments.id} {names} --architecture {arguments.architecture}"
        case "worker", "spawn":
            return f"worker spawn {arguments.backend} --model {arguments.model} --gpu {arguments.gpu}"
        case "worker", "stop":
            return f"worker stop {arguments.id}"
    return f"{arguments.part} {arguments.action}"
