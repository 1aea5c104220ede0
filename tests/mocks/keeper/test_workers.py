"""Workers, from the user's side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mocks.keeper.scripted import Keeper, Queen

WORKER = {
    "worker_id": "worker-abc123",
    "node": "workstation",
    "state": "idle",
    "model_ref": "hf:m",
    "url": "http://workstation.home.arpa:8001",
}


def test_workers_are_listed(keeper: Keeper, queen: Queen) -> None:
    queen.will("GET /v2/workers/list", (200, {"workers": [WORKER]}))

    code, out, err = keeper.run("workers", "list")

    assert (code, err) == (0, "")
    assert out == (
        "=== Registered Workers ===\n\nWorker ID: worker-abc123\n  Node:  workstation\n  State: idle\n"
        "  Model: hf:m\n  URL:   http://workstation.home.arpa:8001\n\n"
    )


def test_nodes_that_do_not_answer_are_named(keeper: Keeper, queen: Queen) -> None:
    queen.will("GET /v2/workers/list", (200, {"workers": [], "unreachable": ["mac"]}))

    code, out, _ = keeper.run("workers", "list")

    assert (code, out) == (0, "=== Registered Workers ===\n\nNo workers registered\nNot reachable: mac\n")


def test_health_says_of_each_worker_whether_it_is_ready(keeper: Keeper, queen: Queen) -> None:
    workers = [
        {"worker_id": "worker-a", "state": "idle", "ready": True},
        {"worker_id": "worker-b", "state": "loading", "ready": False},
    ]
    queen.will("GET /v2/workers/health", (200, {"status": "ok", "workers": workers}))

    code, out, err = keeper.run("workers", "health", "--node", "my node")

    assert (code, err, queen.asked[0].url) == (0, "", "http://localhost:8080/v2/workers/health?node=my+node")
    assert out == (
        "=== Worker Health on my node ===\n\nStatus: ok\n\n"
        "✓ worker-a - idle (ready: true)\n✗ worker-b - loading (ready: false)\n"
    )


def test_a_node_without_workers(keeper: Keeper, queen: Queen) -> None:
    queen.will("GET /v2/workers/health", (200, {"status": "ok", "workers": []}))

    _, out, _ = keeper.run("workers", "health", "--node", "workstation")

    assert out.endswith("\nNo workers on this node\n")


@pytest.mark.parametrize(
    ("words", "call", "error"),
    [
        (("list",), "GET /v2/workers/list", "Failed to list workers: HTTP 500 Internal Server Error"),
        (("health", "--node", "n"), "GET /v2/workers/health", "Failed to check health: HTTP 500 Internal Server Error"),
    ],
)
def test_a_queen_that_cannot_tell(keeper: Keeper, queen: Queen, words: tuple[str], call: str, error: str) -> None:
    queen.will(call, (500, {"workers": []}))

    code, _, err = keeper.run("workers", *words)

    assert (code, err.startswith(f"Error: {error}")) == (1, True)


@pytest.mark.parametrize("call", ["GET /v2/workers/list", "GET /v2/workers/health"])
def test_an_answer_without_workers_is_an_error(keeper: Keeper, queen: Queen, call: str) -> None:
    queen.will(call, (200, {}))

    code, _, err = keeper.run("workers", *(("list",) if call.endswith("list") else ("health", "--node", "n")))

    assert (code, err.splitlines()[-1]) == (1, "    missing field `workers`")


def test_a_worker_is_shut_down(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/workers/shutdown", (200, {"success": True, "message": "sent"}))

    code, out, err = keeper.run("workers", "shutdown", "--id", "worker-abc123")

    assert (code, err, queen.asked[0].body) == (0, "", {"worker_id": "worker-abc123"})
    assert out == (
        "=== Shutting Down Worker worker-abc123 ===\n\n"
        "✓ Worker shutdown command sent\nWorker will unload model and exit gracefully\n"
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            (500, {"success": False, "message": "Failed to shutdown worker: Worker not found: w"}),
            "Failed to shutdown worker: Worker not found: w",
        ),
        ((200, {"success": False, "message": "no"}), "no"),
        ((200, {}), "Failed to parse response from queen-rbee"),
    ],
)
def test_a_worker_that_is_not_shut_down(keeper: Keeper, queen: Queen, answer: Any, error: str) -> None:
    queen.will("POST /v2/workers/shutdown", answer)

    code, _, err = keeper.run("workers", "shutdown", "--id", "w")

    assert (code, err.splitlines()[0]) == (1, f"Error: {error}")
