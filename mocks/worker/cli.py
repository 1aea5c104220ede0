"""The command line of llm-worker-rbee (docs/contract.md, section 1.4, and section 8 row 38)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from mocks.common import cli, log, machine, serve
from mocks.common.errors import RbeeError
from mocks.worker import app, model
from mocks.worker.worker import Settings, Worker

LARGEST_PORT = 2**16 - 1
LARGEST_DEVICE = 2**32 - 1
BACKENDS = {"cpu": "CPU", "cuda": "CUDA", "metal": "Metal"}
"""The backends by the names of their flags, and how the user is told of them."""


def main() -> NoReturn:
    """Run the program."""
    cli.run(run_worker, PARSER)


def parser() -> cli.Parser:
    """The command line: all the flags that rbee's hive, its specification and its features give to a worker."""
    worker = cli.Parser(prog="llm-worker-rbee", description="Holds one model and answers one inference at a time.")
    worker.add_argument("--worker-id", required=True, metavar="ID", help="the name under which its hive knows it")
    worker.add_argument("--model", required=True, type=Path, metavar="PATH", help="a .gguf file")
    worker.add_argument("--port", required=True, type=_port, help="the port to listen at")
    worker.add_argument("--callback-url", required=True, metavar="URL", help="where to report once the port is open")
    worker.add_argument("--backend", choices=BACKENDS, default="cpu", help="where the model goes (%(default)s)")
    worker.add_argument(
        "--device",
        "--cuda-device",
        "--metal-device",
        type=_number,
        default=0,
        metavar="N",
        help="its index (%(default)s)",
    )
    worker.add_argument("--api-key", metavar="KEY", help="what callers have to show; without it they are not asked")
    return worker


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"invalid digit found in string '{text}'")
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(LARGEST_DEVICE)) or int(digits) > LARGEST_DEVICE:
        raise argparse.ArgumentTypeError(f"number too large to fit in target type: '{text}'")
    return int(digits)


def _port(text: str) -> int:
    port = _number(text)
    if not 1 <= port <= LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not in 1..={LARGEST_PORT}")
    return port


def run_worker(arguments: argparse.Namespace) -> int:
    """Run a worker until it is told to end; returns the exit code.

    Raises RbeeError when there is no such model, the port is taken, the hive does not take its report, or the model
    cannot be loaded."""
    try:
        return _serve(Settings(**vars(arguments)))
    except RbeeError as failure:
        # For who waits for this worker, at the other end of its hive's output.
        log.narrate("llm-worker-rbee", f"❌ {failure.message}")
        raise


def _serve(settings: Settings) -> int:
    worker = Worker(settings, model.find(settings.model))
    log.narrate("device-manager", f"🖥️ Initialized {BACKENDS[settings.backend]} device {settings.device}")
    log.narrate("llm-worker-rbee", f"🌅 Worker starting on port {settings.port}")
    try:
        code = serve.serve(app.application(worker), settings.port, ready=worker.start, stop=worker.stop)
    except OSError as error:
        where = f"{machine.bind_host()}:{settings.port}"
        raise RbeeError("WORKER_FAILED", f"Failed to bind to {where}: {cli.os_text(error)}") from error
    if worker.failure:
        raise worker.failure
    return code


PARSER = parser()
"""Built when the module is loaded, since that takes longer than many a command: a program that is forked finds it
ready."""
