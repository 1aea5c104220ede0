"""The routes about workers: the hives of registered nodes are asked, and registered workers are added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mocks.queen import workers
from tests.mocks.queen.conftest import Client, node
from tests.mocks.queen.fakes import HIVE_PORT, MODEL, Service, fresh_host, hive, served, swallowing


def entry(worker_id: str, host: str, state: str = "idle") -> dict[str, Any]:
    """A worker in a hive's list."""
    url = f"http://{host}:8001"
    return {
        "id": worker_id,
        "url": url,
        "model_ref": MODEL,
        "backend": "cuda",
        "device": 1,
        "state": state,
        "api_key": "k",
    }


@pytest.fixture
def second_hive() -> Iterator[Service]:
    made = hive(fresh_host())
    with served(made.app, made.host, HIVE_PORT):
        yield made


REGISTRATION = {
    "worker_id": "own",
    "url": "http://h:8001",
    "model_ref": "m",
    "backend": "cpu",
    "device": 0,
    "node_name": "elsewhere",
}
OWN = {"worker_id": "own", "node": "elsewhere", "state": "idle", "model_ref": "m", "url": "http://h:8001"}


def test_queen_that_knows_nobody_lists_nobody(client: Client) -> None:
    assert client.get("/v2/workers/list").json() == {"workers": [], "unreachable": []}


def test_workers_of_all_nodes_are_listed(client: Client, hive_up: Service, second_hive: Service) -> None:
    client.queen.registry.add(node(hive_up.host, name="a"))
    client.queen.registry.add(node(second_hive.host, name="b"))
    hive_up.answers["GET /v1/workers/list"] = {"workers": [entry("w1", hive_up.host)]}
    second_hive.answers["GET /v1/workers/list"] = {"workers": [entry("w2", second_hive.host, "busy")]}

    told = client.get("/v2/workers/list").json()

    assert told["workers"] == [
        {"worker_id": "w1", "node": "a", "state": "idle", "model_ref": MODEL, "url": f"http://{hive_up.host}:8001"},
        {"worker_id": "w2", "node": "b", "state": "busy", "model_ref": MODEL, "url": f"http://{second_hive.host}:8001"},
    ]


def test_hives_are_asked_with_the_key_of_the_asker(client: Client, hive_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))

    client.get("/v2/workers/list", headers={"Authorization": "Bearer secret"})

    assert hive_up.keys == ["Bearer secret"]


def test_hive_that_does_not_answer_is_named(client: Client, hive_up: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LIST_LIMIT_S", 0.2)
    silent = fresh_host()
    for name, host in {"well": hive_up.host, "refusing": fresh_host(), "silent": silent}.items():
        client.queen.registry.add(node(host, name=name))

    with swallowing(silent, HIVE_PORT):
        told = client.get("/v2/workers/list")

    assert told.status_code == 200
    assert told.json() == {"workers": [], "unreachable": ["refusing", "silent"]}


def test_registered_worker_is_listed(client: Client) -> None:
    answer = client.post("/v2/workers/register", REGISTRATION)

    assert answer.json() == {
        "success": True,
        "message": "Worker 'own' registered successfully",
        "worker_id": "own",
    }
    assert client.get("/v2/workers/list").json()["workers"] == [OWN]


def test_registration_of_the_same_id_replaces(client: Client) -> None:
    client.post("/v2/workers/register", REGISTRATION)

    client.post("/v2/workers/register", {**REGISTRATION, "model_ref": "n"})

    assert [worker["model_ref"] for worker in client.get("/v2/workers/list").json()["workers"]] == ["n"]


def test_unfit_registration_registers_nobody(client: Client) -> None:
    answer = client.post("/v2/workers/register", {**REGISTRATION, "device": -1})

    assert answer.status_code == 422
    assert client.get("/v2/workers/list").json()["workers"] == []


def test_broken_registry_lists_nobody_and_is_an_error(client: Client) -> None:
    client.queen.registry._do("DROP TABLE beehives")

    told = client.get("/v2/workers/list"), client.get("/v2/workers/health?node=n")

    assert [answer.status_code for answer in told] == [500, 500]
    assert [answer.json()["workers"] for answer in told] == [[], []]
    assert told[1].json()["status"] == "error"


def test_health_is_that_of_the_nodes_workers(client: Client, hive_up: Service, second_hive: Service) -> None:
    client.queen.registry.add(node(hive_up.host, name="a"))
    client.queen.registry.add(node(second_hive.host, name="b"))
    listed = [entry("w1", hive_up.host), entry("w2", hive_up.host, "loading")]
    hive_up.answers["GET /v1/workers/list"] = {"workers": listed}
    client.post("/v2/workers/register", REGISTRATION)

    told = client.get("/v2/workers/health?node=a").json()

    assert told == {
        "status": "ok",
        "workers": [
            {"worker_id": "w1", "state": "idle", "ready": True},
            {"worker_id": "w2", "state": "loading", "ready": False},
        ],
        "unreachable": [],
    }
    assert second_hive.asked == []


@pytest.mark.parametrize("query", ["", "?node=nobody"])
def test_health_of_no_node_is_empty(client: Client, query: str) -> None:
    told = client.get(f"/v2/workers/health{query}")

    assert (told.status_code, told.json()["workers"]) == (200, [])


def test_worker_of_a_hive_is_shut_down_with_its_key(client: Client, hive_up: Service, worker_up: Service) -> None:
    client.queen.registry.add(node(hive_up.host))
    hive_up.answers["GET /v1/workers/list"] = {"workers": [entry("worker-abc123", worker_up.host)]}
    worker_up.answers["POST /v1/admin/shutdown"] = {}

    answer = client.post("/v2/workers/shutdown", {"worker_id": "worker-abc123"})

    assert answer.json() == {"success": True, "message": "Worker 'worker-abc123' shutdown command sent"}
    assert (worker_up.asked, worker_up.keys) == (["POST /v1/admin/shutdown"], ["Bearer k"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://{host}:8001", "Worker shutdown failed: HTTP 404 Not Found"),
        ("http://{host}:1", "error sending request for url (http://{host}:1/v1/admin/shutdown)"),
        ("nonsense", "builder error"),
    ],
)
def test_shutdown_that_fails_says_why(client: Client, worker_up: Service, url: str, reason: str) -> None:
    client.post("/v2/workers/register", {**REGISTRATION, "url": url.format(host=worker_up.host)})

    answer = client.post("/v2/workers/shutdown", {"worker_id": "own"})

    message = f"Failed to shutdown worker: {reason.format(host=worker_up.host)}"
    assert (answer.status_code, answer.json()) == (500, {"success": False, "message": message})


def test_unknown_worker_cannot_be_shut_down(client: Client) -> None:
    answer = client.post("/v2/workers/shutdown", {"worker_id": "x"})

    assert answer.status_code == 500
    assert answer.json()["message"] == "Failed to shutdown worker: Worker not found: x"
