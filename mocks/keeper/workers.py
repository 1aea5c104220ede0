"""`rbee-keeper workers`: the workers that the queen knows (docs/contract.md, section 4.5)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

import requests

from mocks.common.errors import RbeeError
from mocks.keeper import colour, queen


def run(arguments: argparse.Namespace) -> int:
    """Do what the subcommand asks for. Returns the exit code; raises RbeeError when it fails."""
    actions: dict[str, Callable[[argparse.Namespace], None]] = {
        "list": list_workers,
        "health": show_health,
        "shutdown": shut_down,
    }
    actions[arguments.action](arguments)
    return 0


def list_workers(_: argparse.Namespace) -> None:
    """Print the workers of all nodes, and the nodes that do not answer. Raises RbeeError when the queen cannot tell."""
    _print_heading("Registered Workers")
    failing = "Failed to list workers"
    with queen.asked("GET", "/v2/workers/list", failing=failing) as response:
        told, workers = _told(response, failing)
    if not workers:
        print("No workers registered")
    for worker in workers:
        _print_worker(worker)
    _print_unreachable(told)


def show_health(arguments: argparse.Namespace) -> None:
    """Print how the workers of a node are. Raises RbeeError when the queen cannot tell."""
    _print_heading(f"Worker Health on {arguments.node}")
    failing = "Failed to check health"
    with queen.asked("GET", "/v2/workers/health", failing=failing, params={"node": arguments.node}) as response:
        told, workers = _told(response, failing)
    print(f"{colour.paint('Status:', colour.BOLD, sys.stdout)} {told.get('status')}\n")
    if not workers:
        print("No workers on this node")
    for worker in workers:
        ready = worker.get("ready") is True
        sign = colour.paint("✓", colour.GREEN, sys.stdout) if ready else "✗"
        print(f"{sign} {worker.get('worker_id')} - {worker.get('state')} (ready: {str(ready).lower()})")
    _print_unreachable(told)


def shut_down(arguments: argparse.Namespace) -> None:
    """Have the queen tell a worker to end. Raises RbeeError when it was not told."""
    _print_heading(f"Shutting Down Worker {arguments.id}")
    failing = "Failed to shutdown worker"
    body = {"worker_id": arguments.id}
    with queen.asked("POST", "/v2/workers/shutdown", failing=failing, json=body) as response:
        told = queen.document(response, "success", "message")
        if not response.ok or told["success"] is not True:
            raise RbeeError("REFUSED", str(told["message"]), status=response.status_code)
    print(f"{colour.paint('✓', colour.GREEN, sys.stdout)} Worker shutdown command sent")
    print("Worker will unload model and exit gracefully")


def _told(response: requests.Response, failing: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All that the answer tells, and its workers."""
    if not response.ok:
        raise queen.refusal(response, failing)
    return queen.document(response), queen.rows(response, "workers")


def _print_heading(text: str) -> None:
    print(f"{colour.paint(f'=== {text} ===', colour.HEADING, sys.stdout)}\n")


def _print_unreachable(told: Mapping[str, Any]) -> None:
    unreachable = told.get("unreachable")
    for node in unreachable if isinstance(unreachable, list) else ():
        print(colour.paint(f"Not reachable: {node}", colour.YELLOW, sys.stdout))


def _print_worker(worker: Mapping[str, Any]) -> None:
    print(f"{colour.paint('Worker ID:', colour.BOLD, sys.stdout)} {worker.get('worker_id')}")
    print(f"  Node:  {worker.get('node')}")
    print(f"  State: {worker.get('state')}")
    if worker.get("model_ref"):
        print(f"  Model: {worker['model_ref']}")
    print(f"  URL:   {worker.get('url')}\n")
