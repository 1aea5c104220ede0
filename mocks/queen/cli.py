"""The command line of queen-rbee (docs/contract.md, section 1.1)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from mocks.common import cli, log, machine, serve
from mocks.queen.app import application
from mocks.queen.registry import Registry
from mocks.queen.state import Queen
from mocks.queen.task import ACTOR

DEFAULT_PORT = 8080


def main() -> NoReturn:
    """Run the program with the command line of this process."""
    cli.run(_run, PARSER)


def parser() -> cli.Parser:
    """The command line."""
    parser = cli.Parser(prog="queen-rbee", description="Orchestrator daemon: carries inference to the hives of nodes.")
    parser.add_argument("word", nargs="?", choices=("daemon",), help="may be given; there is nothing else to run")
    parser.add_argument(
        "-p", "--port", type=cli.whole(65535), default=DEFAULT_PORT, help="port to listen at (default 8080)"
    )
    parser.add_argument(
        "-d", "--database", type=Path, help="SQLite file of the nodes (default ~/.rbee/beehives.db, made if absent)"
    )
    parser.add_argument("-c", "--config", help="accepted, and not used")
    parser.add_argument("-V", "--version", action=cli.Version)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    log.info(ACTOR, "🐝 queen-rbee Orchestrator Daemon starting...")
    log.info(ACTOR, f"Port: {arguments.port}")
    try:
        queen = Queen(Registry(arguments.database or machine.home() / ".rbee" / "beehives.db"))
        log.info(ACTOR, "✅ Beehive registry initialized (SQLite)")
        log.info(ACTOR, "✅ Worker registry initialized (in-memory)")
        listening = f"🚀 HTTP server listening on {machine.bind_host()}:{arguments.port}"
        return serve.serve(
            application(queen), arguments.port, ready=lambda: log.info(ACTOR, listening), stop=lambda: _stop(queen)
        )
    finally:
        log.info(ACTOR, "👋 queen-rbee shutting down")


def _stop(queen: Queen) -> None:
    log.info(ACTOR, "Shutdown signal received")
    queen.hives.stop()


PARSER = parser()
"""Built when the module is loaded, since that takes longer than many a command: a program that is forked finds it
ready."""
