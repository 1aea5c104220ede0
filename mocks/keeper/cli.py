"""The command line of rbee-keeper (docs/contract.md, section 1.2)."""

from __future__ import annotations

import argparse
import importlib
import math
from typing import Any, NoReturn

from mocks.common import cli

U16 = 2**16 - 1
U32 = 2**32 - 1
LOCAL_NODE = "localhost"
"""The node that needs no registration: this machine (docs/contract.md, section 9 row 11)."""


def main() -> NoReturn:
    """Run the program: what the command line asks for."""
    cli.run(_run, PARSER)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "infer":
        arguments.check(arguments)
    # Only now is the command's module imported, so that --help and usage errors come quickly.
    command = importlib.import_module(f"mocks.keeper.{arguments.command}")
    code: int = command.run(arguments)
    return code


def parser() -> cli.Parser:
    """The command line. `command` names the module of the command, whose `run` takes the arguments."""
    keeper = cli.Parser(prog="rbee-keeper", description="Runs inference on your machines.")
    keeper.add_argument("-V", "--version", action=cli.Version)
    commands = keeper.add_subparsers(metavar="COMMAND", dest="command")
    install = commands.add_parser("install", help="Install the programs on this machine")
    install.add_argument("--system", action="store_true", help="for all users, into /usr/local, instead of ~/.local")
    _add_setup(commands.add_parser("setup", help="Manage the registry of nodes"))
    _add_infer(commands.add_parser("infer", help="Run inference on a node"))
    _add_workers(commands.add_parser("workers", help="Look at workers, and end them"))
    logs = commands.add_parser("logs", help="Show the log of a node")
    logs.add_argument("--node", required=True, metavar="NAME", help="the node")
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    _add_pool(commands.add_parser("pool", help="Run commands on the machine of a pool over SSH"))
    return keeper


def _add_setup(setup: cli.Parser) -> None:
    actions = setup.add_subparsers(metavar="COMMAND", dest="action")
    add = actions.add_parser("add-node", help="Register a node, if it can be reached over SSH")
    add.add_argument("--name", required=True, help="what the node is called from now on")
    add.add_argument("--ssh-host", required=True, metavar="HOST", help="its host name")
    add.add_argument("--ssh-port", type=cli.whole(U16), default=22, metavar="PORT", help="its SSH port (%(default)s)")
    add.add_argument("--ssh-user", required=True, metavar="USER", help="who logs in there")
    add.add_argument("--ssh-key", metavar="PATH", help="the key to log in with")
    add.add_argument("--git-repo", required=True, metavar="URL", help="where rbee's source comes from")
    add.add_argument("--git-branch", default="main", metavar="BRANCH", help="which branch of it (%(default)s)")
    add.add_argument("--install-path", required=True, metavar="PATH", help="where on the node rbee lives")
    actions.add_parser("list-nodes", help="List the registered nodes")
    remove = actions.add_parser("remove-node", help="Forget a node")
    remove.add_argument("--name", required=True, help="the node")
    install = actions.add_parser("install", help="Clone and build rbee on a node")
    install.add_argument("--node", required=True, metavar="NAME", help="the node")


def _add_infer(infer: cli.Parser) -> None:
    infer.add_argument("--node", metavar="NAME", help=f"the node to run on; with --ephemeral {LOCAL_NODE}")
    infer.add_argument(
        "--ephemeral", action="store_true", help="run on this machine, with a queen and a hive that end afterwards"
    )
    infer.set_defaults(check=lambda arguments: _check_node(arguments, infer))
    infer.add_argument("--model", required=True, help="such as hf:org/repo")
    infer.add_argument("--prompt", required=True, help="what the model is to go on from")
    infer.add_argument(
        "--max-tokens", type=cli.whole(U32), default=20, metavar="N", help="how many tokens at most (%(default)s)"
    )
    infer.add_argument("--temperature", type=_finite, default=0.7, metavar="T", help="from 0 to 2 (%(default)s)")
    infer.add_argument("--backend", help="cpu, cuda or metal")
    infer.add_argument("--device", type=cli.whole(U32), metavar="N", help="which device of the backend")


def _check_node(arguments: argparse.Namespace, infer: cli.Parser) -> None:
    if arguments.ephemeral:
        arguments.node = arguments.node or LOCAL_NODE
        if arguments.node != LOCAL_NODE:
            infer.error(f"--ephemeral runs on {LOCAL_NODE}: --node '{arguments.node}' cannot be used with it")
    elif arguments.node is None:
        infer.error("the following arguments are required: --node")


def _add_workers(workers: cli.Parser) -> None:
    actions = workers.add_subparsers(metavar="COMMAND", dest="action")
    actions.add_parser("list", help="List the workers of all nodes")
    health = actions.add_parser("health", help="Show the health of a node's workers")
    health.add_argument("--node", required=True, metavar="NAME", help="the node")
    shutdown = actions.add_parser("shutdown", help="End a worker")
    shutdown.add_argument("--id", required=True, help="the worker")


def _finite(text: str) -> float:
    try:
        number = math.nan if "_" in text or text != text.strip() else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"invalid value '{text}': not a number")
    return number


def _add_pool(pool: cli.Parser) -> None:
    parts = pool.add_subparsers(metavar="COMMAND", dest="part")
    actions = _add_part(parts, "models", "Models of the pool")
    actions.add_parser("download", help="Download a model").add_argument("model")
    actions.add_parser("list", help="List the models there")
    actions.add_parser("catalog", help="Show the catalogue")
    register = actions.add_parser("register", help="Add a model to the catalogue")
    register.add_argument("id")
    for option in ("--name", "--repo", "--architecture"):
        register.add_argument(option, required=True)
    actions = _add_part(parts, "worker", "Workers of the pool")
    spawn = actions.add_parser("spawn", help="Start a worker")
    spawn.add_argument("backend")
    spawn.add_argument("--model", required=True)
    spawn.add_argument("--gpu", type=cli.whole(U32), default=0, metavar="N", help="which device (%(default)s)")
    actions.add_parser("list", help="List the workers")
    actions.add_parser("stop", help="End a worker").add_argument("id")
    actions = _add_part(parts, "git", "rbee's source on the pool's machine")
    for action in ("pull", "status", "build"):
        actions.add_parser(action)
    parts.add_parser("status", help="State of the pool").add_argument("--host", required=True)


def _add_part(parts: Any, name: str, purpose: str) -> Any:
    part = parts.add_parser(name, help=purpose)
    part.add_argument("--host", required=True, help="the pool's machine, before the last word")
    return part.add_subparsers(metavar="COMMAND", dest="action")


PARSER = parser()
"""Built when the module is loaded, since that takes longer than many a command: a program that is forked finds it
ready."""
