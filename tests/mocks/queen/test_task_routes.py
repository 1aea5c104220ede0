"""A task over HTTP, from the order to the end mark, and the other routes beside it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mocks.common import events
from mocks.queen import task_routes
from mocks.queen.hives import Hive
from tests.mocks.queen.conftest import LIMIT_S, START_US, Client, Hands, node
from tests.mocks.queen.fakes import HIVE_PORT, MODEL, READY_LINE, Service, SshNode, hive, served, staying, stream

BODY = {
    "backend": "cuda",
    "device": 1,
    "max_tokens": 20,
    "model": MODEL,
    "node": "workstation",
    "prompt": "write a short story",
    "temperature": 0.699999988079071,
}
START = "cd ~/rbee && ./target/release/rbee-hive daemon --port 9200"
HALF = {"stage": "downloading", "bytes_downloaded": 2621440, "bytes_total": 5242880, "speed_mbps": 45.2}
COMPLETE = {"stage": "complete", "local_path": "/models/tinyllama-q4.gguf"}
LAYERS = {"stage": "loading_to_vram", "layers_loaded": 32, "layers_total": 32, "vram_mb": 5}
TOKEN = {"type": "token", "t": "Once", "i": 0}
END = {"type": "end", "tokens_out": 1, "decode_time_ms": 100, "stop_reason": "MAX_TOKENS"}
IDLE = {"id": "w", "model_ref": MODEL, "backend": "cuda", "device": 1, "state": "idle", "api_key": "k"}


def plays_cold_start(hive: Service, worker: Service) -> None:
    """A hive without model and worker, and the worker that it starts."""
    hive.answers["POST /v1/models/download"] = {"download_id": "7", "local_path": None}
    hive.answers["GET /v1/models/download/progress"] = lambda: stream(HALF, COMPLETE)
    url = f"http://{worker.host}:8001"
    reply = {"worker_id": "w", "url": url, "state": "loading", "api_key": "k"}
    hive.answers["POST /v1/workers/spawn"] = reply
    polls = [{"ready": False, "state": "loading", "progress_url": f"{url}/v1/loading/progress"}]
    ready = {"ready": True, "state": "idle"}
    worker.answers["GET /v1/ready"] = lambda: polls.pop() if polls else ready
    worker.answers["GET /v1/loading/progress"] = lambda: stream(LAYERS, {"stage": "ready"})
    worker.answers["POST /v1/inference"] = lambda: stream(TOKEN, END)


def plays_warm_start(hive: Service, worker: Service) -> None:
    """A hive with an idle worker."""
    hive.answers["GET /v1/workers/list"] = {"workers": [{**IDLE, "url": f"http://{worker.host}:8001"}]}
    worker.answers["POST /v1/inference"] = lambda: stream(TOKEN, END)


def told(event: dict[str, Any]) -> str:
    """An event in a word."""
    return str(event.get("stage") or event["type"])


def test_cold_start_goes_all_the_way(client: Client, hive_up: Service, worker_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_cold_start(hive_up, worker_up)

    events = client.events("/v2/tasks", BODY)

    assert [told(event) for event in events] == [
        "accepted",
        "narration",
        "downloading",
        "loading_to_vram",
        "ready",
        "token",
        "end",
    ]
    assert hive_up.asked == [
        "GET /v1/health",
        "GET /v1/workers/list",
        "GET /v1/health",
        "POST /v1/models/download",
        "GET /v1/models/download/progress",
        "POST /v1/workers/spawn",
    ]
    assert hive_up.body_of("POST /v1/workers/spawn")["model_path"] == "/models/tinyllama-q4.gguf"
    assert worker_up.asked == ["GET /v1/ready", "GET /v1/loading/progress", "GET /v1/ready", "POST /v1/inference"]


def test_warm_start_goes_straight_to_inference(client: Client, hive_up: Service, worker_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_warm_start(hive_up, worker_up)

    events = client.events("/v2/tasks", BODY)

    assert events[-2:] == [TOKEN, END]
    assert hive_up.asked == ["GET /v1/health", "GET /v1/workers/list"]
    assert worker_up.asked == ["POST /v1/inference"]


def test_hive_is_started_over_ssh_and_heard(client: Client, ssh_node: SshNode, key: Path, worker_up: Service) -> None:
    client.queen.registry.add(node(ssh_node.host, ssh_port=ssh_node.port, key_path=str(key)))
    started = hive(ssh_node.host)
    plays_warm_start(started, worker_up)
    with ExitStack() as stack:
        ssh_node.commands[START] = staying(
            READY_LINE, begun=lambda: stack.enter_context(served(started.app, started.host, HIVE_PORT))
        )

        events = client.events("/v2/tasks", BODY)

    assert {"type": "narration", "actor": "http-server", "human": "🚀 HTTP server ready on port 9200"} in events
    assert (ssh_node.ran, events[-1]) == ([START], END)


def test_reached_node_is_noted_in_its_row(
    client: Client, hive_up: Service, worker_up: Service, tmp_path: Path, hands: Hands
) -> None:
    client.queen.registry.add(replace(node(hive_up.host), last_connected_unix=7))
    plays_warm_start(hive_up, worker_up)

    client.events("/v2/tasks", BODY)

    with closing(sqlite3.connect(tmp_path / ".rbee" / "beehives.db")) as database:
        row = database.execute("SELECT last_connected_unix, status FROM beehives").fetchone()
    assert row == (START_US // 1_000_000, "reachable")
    assert hands.pauses_s == []


def test_node_that_is_not_reached_is_noted_too(client: Client, host: str, hands: Hands) -> None:
    client.queen.registry.add(replace(node(host, ssh_port=1), last_connected_unix=7, status="reachable"))

    *_, error = client.events("/v2/tasks", BODY)

    assert error["code"] == "CONNECTION_TIMEOUT"
    assert client.queen.registry.nodes()[0].status == "unreachable"
    assert client.queen.registry.nodes()[0].last_connected_unix == 7
    assert hands.pauses_s == [0.2, 0.4]


def test_unknown_node_is_an_error_before_any_event(client: Client) -> None:
    answer = client.post("/v2/tasks", BODY)

    message = "Node 'workstation' not registered"
    error = {"code": "NODE_NOT_FOUND", "message": message, "details": {"node": "workstation"}}
    assert (answer.status_code, answer.json()) == (404, {"error": error})


def test_body_is_checked_before_the_node_is_looked_up(client: Client) -> None:
    answer = client.post("/v2/tasks", {"node": "nobody"})

    assert answer.status_code == 422
    assert "missing field `model`" in answer.text


def test_unusable_registry_is_an_error(client: Client) -> None:
    client.queen.registry._do("DROP TABLE beehives")

    answer = client.post("/v2/tasks", BODY)

    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "Registry error: no such table: beehives"


def test_localhost_needs_no_row(client: Client) -> None:
    assert client.queen.hive("localhost") == Hive("localhost", "localhost")


def test_registered_localhost_is_a_node_like_others(client: Client) -> None:
    client.queen.registry.add(node("h", name="localhost"))

    assert client.queen.hive("localhost").host == "h"


def test_other_version_of_the_hive_ends_the_task(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    hive_up.answers["GET /v1/health"] = {"status": "alive", "version": "0.2.0", "api_version": "v1"}

    *_, error = client.events("/v2/tasks", BODY)

    assert error["code"] == "VERSION_MISMATCH"
    assert error["details"] == {"keeper_version": "0.1.0", "hive_version": "0.2.0"}
    assert hive_up.asked == ["GET /v1/health", "GET /v1/workers/list", "GET /v1/health"]


def test_hive_that_tells_no_version_ends_the_task(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    hive_up.answers["GET /v1/health"] = {"status": "alive"}

    *_, error = client.events("/v2/tasks", BODY)

    assert error["message"] == "Hive health check parse error: error decoding response body"


def test_version_of_the_keeper_counts_and_not_the_queens(client: Client, hive_up: Service, worker_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_cold_start(hive_up, worker_up)
    hive_up.answers["GET /v1/health"] = {"status": "alive", "version": "0.2.0", "api_version": "v1"}

    *_, last = client.events("/v2/tasks", BODY, headers={"X-Rbee-Version": "0.2.0"})

    assert last == END


def test_key_of_the_asker_goes_to_the_hive_and_not_to_the_worker(
    client: Client, hive_up: Service, worker_up: Service
) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_cold_start(hive_up, worker_up)

    client.events("/v2/tasks", BODY, headers={"Authorization": "Bearer secret"})

    assert set(hive_up.keys) == {"Bearer secret"}
    assert set(worker_up.keys) == {"Bearer k"}


@pytest.mark.parametrize("absent", [{}, {"backend": None, "device": None}])
def test_backend_and_device_have_defaults(
    client: Client, hive_up: Service, worker_up: Service, absent: dict[str, None]
) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_cold_start(hive_up, worker_up)
    told = {name: value for name, value in BODY.items() if name not in ("backend", "device")}

    client.events("/v2/tasks", {**told, **absent})

    body = hive_up.body_of("POST /v1/workers/spawn")
    assert (body["backend"], body["device"]) == (task_routes.DEFAULT_BACKEND, task_routes.DEFAULT_DEVICE)


def holding(worker: Service) -> tuple[threading.Event, threading.Event]:
    """The worker says one token and then waits: an event for "canceled", and one for "was told so"."""
    canceled, deleted = threading.Event(), threading.Event()
    end = {**END, "stop_reason": "CANCELLED"}
    worker.answers["POST /v1/inference"] = lambda: stream(TOKEN, lambda: canceled.wait(LIMIT_S), end)

    def delete(_: str) -> tuple[str, int]:
        canceled.set()
        deleted.set()
        return "", 204

    worker.app.add_url_rule("/v1/inference/<_>", methods=["DELETE"], view_func=delete)
    return canceled, deleted


def until_first_token(events: Iterator[str]) -> str:
    """Read up to the first token; the task's id."""
    task_id = json.loads(next(events))["task_id"]
    assert any(json.loads(event) == TOKEN for event in events)
    return str(task_id)


def test_canceled_task_is_given_up_by_its_worker(client: Client, hive_up: Service, worker_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_warm_start(hive_up, worker_up)
    canceled, _ = holding(worker_up)

    with client.post("/v2/tasks", BODY, stream=True) as answer:
        told = events.read(answer)
        deleted = client.delete(f"/v2/tasks/{until_first_token(told)}")

        assert (deleted.status_code, deleted.text) == (204, "")
        assert canceled.is_set()
        assert [json.loads(event)["stop_reason"] for event in told if event != "[DONE]"] == ["CANCELLED"]


def test_task_of_an_asker_who_hangs_up_is_given_up(client: Client, hive_up: Service, worker_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    plays_warm_start(hive_up, worker_up)
    _, deleted = holding(worker_up)

    with client.post("/v2/tasks", BODY, stream=True) as answer:
        until_first_token(events.read(answer))

    assert deleted.wait(LIMIT_S)


def test_canceling_an_unknown_task_is_fine(client: Client) -> None:
    assert client.delete("/v2/tasks/none").status_code == 204


def test_queen_is_well(client: Client) -> None:
    assert client.get("/health").json() == {"status": "ok", "version": "0.1.0"}


def test_method_that_a_route_does_not_have_is_refused(client: Client) -> None:
    answer = client.get("/v2/tasks")

    assert (answer.status_code, answer.text, answer.headers["allow"]) == (405, "", "POST")
