"""The command line of rbee-hive (docs/contract.md, section 1.3)."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from mocks.common import cli, machine, peers, serve, warm
from mocks.common.errors import RbeeError
from mocks.hive import app, catalog, local_models, local_workers, logs, loops, preflight, stopping
from mocks.hive.download import Downloads
from mocks.hive.workers import Workers

PORT = peers.HIVE_PORT
"""Where a hive listens unless it is told otherwise (docs/contract.md, section 8 row 1)."""


def main() -> NoReturn:
    """Run the program: what the command line asks for."""
    cli.run(lambda arguments: int(arguments.run(arguments)), PARSER)


def parser() -> cli.Parser:
    """The command line."""
    hive = cli.Parser(prog="rbee-hive", description="Pool manager: brings models and workers to this machine.")
    hive.add_argument("-V", "--version", action=cli.Version)
    commands = hive.add_subparsers(metavar="COMMAND")
    daemon = _command(commands, "daemon", "Run the HTTP daemon until SIGINT or SIGTERM", run_daemon)
    place = daemon.add_mutually_exclusive_group()
    place.add_argument("--addr", default=f"0.0.0.0:{PORT}", help="IP address and port to listen at (%(default)s)")
    place.add_argument("--port", type=cli.whole(largest=65535), help="port to listen at, at every address")
    _add_models(commands.add_parser("models", help="Model catalogue of this directory"))
    _add_worker(commands.add_parser("worker", help="Workers started from the terminal"))
    _command(commands, "status", "Show the state of this pool", show_status)
    _command(commands, "detect", "Show the backends of this machine", show_backends)
    return hive


def run_daemon(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, then end the workers; the exit code is 0. Raises RbeeError if it cannot listen."""
    warm.stay_warm()
    host, port = _address(arguments.addr) if arguments.port is None else ("0.0.0.0", arguments.port)
    if host != "0.0.0.0":
        # What the command line says goes before the environment; the workers listen where their hive does.
        os.environ["RBEE_BIND_HOST"] = host
    logs.narrate("rbee-hive", f"🌅 Starting pool manager on port {port}")
    catalog.create()
    workers = Workers(Path(sys.argv[0]).resolve().with_name("llm-worker-rbee"), port)

    def ready() -> None:
        for loop in (loops.watch_health, loops.retire_idle):
            threading.Thread(target=loop, args=(workers,), daemon=True, name=loop.__name__).start()
        logs.narrate("http-server", f"🚀 HTTP server ready on port {port}")

    def stop() -> None:
        logs.info("Received SIGINT/SIGTERM, shutting down")
        stopping.cascade(workers)

    try:
        return serve.serve(app.application(workers, Downloads()), port, ready=ready, stop=stop)
    except OSError as failure:
        reason = cli.os_text(failure)
        message = f"Failed to bind to {_shown(machine.bind_host())}:{port}: {reason}\n\nCaused by:\n    {reason}"
        raise RbeeError("INTERNAL_ERROR", message) from failure


def show_status(_: argparse.Namespace) -> int:
    """Print the state of this pool."""
    print("Status: OK")
    print(f"Pool ID: {machine.node_host()}")
    print("Workers of a daemon: GET /v1/workers/list; of the terminal: rbee-hive worker list")
    return 0


def show_backends(_: argparse.Namespace) -> int:
    """Print the backends of this machine."""
    counts = {backend: len(devices) for backend, devices in preflight.backends().items()}
    print("Backend Detection Results:\n==========================\n")
    print(f"Available backends: {len(counts)}")
    for backend, count in counts.items():
        print(f"  - {backend}: {count} device(s)")
    print(f"\nTotal devices: {sum(counts.values())}\n")
    print("Registry format:")
    print(f"  backends: {json.dumps(list(counts), separators=(',', ':'))}")
    print(f"  devices:  {json.dumps(counts, separators=(',', ':'))}")
    return 0


def _add_models(models: cli.Parser) -> None:
    commands = models.add_subparsers(metavar="COMMAND")
    download = _command(commands, "download", "Fetch a registered model", local_models.download)
    download.add_argument("model", metavar="MODEL")
    _command(commands, "list", "Show the models that are here", local_models.list_downloaded)
    _command(commands, "catalog", "Show all registered models", local_models.list_registered)
    register = _command(commands, "register", "Add a model to the catalogue", local_models.register)
    register.add_argument("id", metavar="ID")
    for option in ("--name", "--repo", "--architecture"):
        register.add_argument(option, required=True)
    unregister = _command(commands, "unregister", "Remove a model from the catalogue", local_models.unregister)
    unregister.add_argument("id", metavar="ID")


def _add_worker(worker: cli.Parser) -> None:
    commands = worker.add_subparsers(metavar="COMMAND")
    spawn = _command(commands, "spawn", "Start a worker", local_workers.spawn)
    spawn.add_argument("backend", metavar="BACKEND", choices=("cpu", "cuda", "metal"))
    spawn.add_argument("--model", required=True, help="id of a registered model")
    spawn.add_argument("--gpu", type=cli.whole(largest=255), default=0, help="number of the device (%(default)s)")
    _command(commands, "list", "Show the workers", local_workers.list_all)
    stop = _command(commands, "stop", "End a worker", local_workers.stop)
    stop.add_argument("id", metavar="ID")


def _command(commands: Any, name: str, help_text: str, run: Any) -> cli.Parser:
    """A subcommand that `run` does."""
    command: cli.Parser = commands.add_parser(name, help=help_text, description=help_text)
    command.set_defaults(run=run)
    return command


def _address(text: str) -> tuple[str, int]:
    """IP and port of a socket address. Raises RbeeError INVALID_REQUEST when it is none; a host name is none."""
    host, _, port = text.rpartition(":")
    inner = host.removeprefix("[").removesuffix("]")
    try:
        if ipaddress.ip_address(inner).version == 6 and host != f"[{inner}]":
            raise ValueError(text)
        return inner, cli.whole(largest=65535)(port)
    except (ValueError, argparse.ArgumentTypeError):
        raise RbeeError("INVALID_REQUEST", "invalid socket address syntax") from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


PARSER = parser()
"""Built when the module is loaded, since that takes longer than many a command: a program that is forked finds it
ready."""
