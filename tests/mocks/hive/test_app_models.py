"""The hive's routes for models and for starting workers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient

from mocks.common.errors import RbeeError
from mocks.hive import app, catalog, download
from mocks.hive.workers import Workers
from tests.mocks.hive.conftest import Machine
from tests.mocks.hive.hub_fake import TINYLLAMA, Hub

MODEL = "hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"
CONTENT = b"GGUF" * 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model file."""
    path = tmp_path / "model.gguf"
    path.write_bytes(CONTENT)
    return path


def spawn(hive: FlaskClient, **changes: Any) -> Any:
    """The answer to a request for a worker."""
    body = {"model_ref": MODEL, "backend": "cpu", "device": 0, "model_path": ""} | changes
    return hive.post("/v1/workers/spawn", json={name: value for name, value in body.items() if value is not None})


def test_download_of_a_catalogued_model(hive: FlaskClient) -> None:
    catalog.add(catalog.Model(MODEL.partition(":")[2], "hf", "/there.gguf", 1, 1))

    answer = hive.post("/v1/models/download", json={"model_ref": MODEL})

    assert answer.get_json() == {"download_id": "cached", "local_path": "/there.gguf"}


def test_download_is_told_from_its_start_to_its_end_mark(hive: FlaskClient, hub: Hub, machine: Machine) -> None:
    hub.files[TINYLLAMA] = CONTENT
    started = hive.post("/v1/models/download", json={"model_ref": MODEL}).get_json()

    stream = hive.get(f"/v1/models/download/progress?id={started['download_id']}")

    assert started["local_path"] is None
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-cache"
    told = stream.text.split("\n\n")
    assert told[0].startswith('data: {"stage":"downloading","bytes_downloaded":200,"bytes_total":4000,"speed_mbps":')
    path = machine.root / "models" / "tinyllama-q4.gguf"
    assert told[-3:] == [f'data: {{"stage":"complete","local_path":"{path}"}}', "data: [DONE]", ""]


def test_failed_download_is_told_with_its_code(hive: FlaskClient, hub: Hub) -> None:
    started = hive.post("/v1/models/download", json={"model_ref": MODEL}).get_json()

    stream = hive.get(f"/v1/models/download/progress?id={started['download_id']}")

    assert '"stage":"error"' in stream.text
    assert '"code":"MODEL_NOT_FOUND"}\n\ndata: [DONE]\n\n' in stream.text
    assert len(hub.asked) == 1


@pytest.mark.usefixtures("hub")
def test_quiet_download_shows_that_it_lives(hive: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def fetch(*_: object) -> NoReturn:
        held.wait(10)
        raise RbeeError("DOWNLOAD_FAILED", "held for long")

    monkeypatch.setattr(app, "KEEP_ALIVE_S", 0.01)
    monkeypatch.setattr(download, "fetch", fetch)
    started = hive.post("/v1/models/download", json={"model_ref": MODEL}).get_json()

    pieces = iter(hive.get(f"/v1/models/download/progress?id={started['download_id']}", buffered=False).response)

    assert next(pieces) == b":\n\n"
    held.set()
    assert list(pieces)[-1] == b"data: [DONE]\n\n"


def test_unknown_download(hive: FlaskClient) -> None:
    answer = hive.get("/v1/models/download/progress?id=d-1")

    assert answer.status_code == 404
    assert answer.get_json()["error"]["message"] == "Download d-1 not found"


def test_progress_needs_an_id(hive: FlaskClient) -> None:
    answer = hive.get("/v1/models/download/progress")

    assert (answer.status_code, answer.text) == (400, "Failed to deserialize query string: missing field `id`")


@pytest.mark.parametrize("reference", ["tinyllama", "hf:org:repo"])
def test_download_of_something_else(reference: str, hive: FlaskClient) -> None:
    answer = hive.post("/v1/models/download", json={"model_ref": reference})

    assert answer.status_code == 400
    assert answer.get_json()["error"]["message"] == f"Invalid model reference format: {reference}"


def test_spawned_worker_is_loading(hive: FlaskClient, file: Path) -> None:
    reply = spawn(hive, model_path=str(file)).get_json()

    (entry,) = hive.get("/v1/workers/list").get_json()["workers"]
    assert reply == {
        "worker_id": entry["id"],
        "url": entry["url"],
        "state": "loading",
        "api_key": entry["api_key"],
        "model_ref": MODEL,
        "backend": "cpu",
        "device": 0,
    }
    assert (entry["state"], entry["slots_total"], entry["slots_available"]) == ("loading", 1, 0)


def test_worker_may_be_named_by_its_caller(hive: FlaskClient, file: Path) -> None:
    assert spawn(hive, model_path=str(file), worker_id="worker-abc123").get_json()["worker_id"] == "worker-abc123"


def test_model_may_be_called_model(hive: FlaskClient, file: Path) -> None:
    reply = spawn(hive, model_path=str(file), model_ref=None, model=MODEL)

    assert reply.get_json()["model_ref"] == MODEL


def test_spawn_finds_the_model_in_the_catalogue(hive: FlaskClient, file: Path, workers: Workers) -> None:
    catalog.add(catalog.Model(MODEL.partition(":")[2], "hf", str(file), len(CONTENT), 1))

    reply = spawn(hive)

    assert reply.status_code == 200
    assert workers.all()[0].order.model_path == str(file)


def test_spawn_downloads_a_model_that_is_not_there(
    hive: FlaskClient, hub: Hub, workers: Workers, machine: Machine
) -> None:
    hub.files[TINYLLAMA] = CONTENT

    reply = spawn(hive)

    assert reply.status_code == 200
    assert workers.all()[0].order.model_path == str(machine.root / "models" / "tinyllama-q4.gguf")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"model_ref": "tinyllama"}, 400, "INVALID_REQUEST"),
        ({"model_path": "/not/there.gguf"}, 404, "MODEL_NOT_FOUND"),
        ({"backend": "quantum"}, 400, "BACKEND_UNAVAILABLE"),
        ({"device": 99}, 400, "BACKEND_UNAVAILABLE"),
    ],
)
def test_worker_that_cannot_be(
    changes: dict[str, Any], status: int, code: str, hive: FlaskClient, file: Path, workers: Workers
) -> None:
    answer = spawn(hive, **{"model_path": str(file), **changes})

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)
    assert workers.all() == []


def test_memory_that_does_not_suffice(hive: FlaskClient, tmp_path: Path, machine: Machine, workers: Workers) -> None:
    large = tmp_path / "large.gguf"
    with large.open("wb") as made:
        made.truncate(5000 * 2**20)
    machine.has_ram(4000)

    answer = spawn(hive, model_path=str(large))

    assert answer.status_code == 507
    assert answer.get_json() == {
        "error": {
            "code": "VRAM_EXHAUSTED",
            "message": "Insufficient VRAM: need 6000 MB, have 4000 MB",
            "details": {"required": 6000, "available": 4000},
        }
    }
    assert workers.all() == []


@pytest.mark.parametrize("missing", ["model_ref", "backend", "device"])
def test_spawn_misses_what_it_needs(missing: str, hive: FlaskClient) -> None:
    answer = spawn(hive, **{missing: None})

    assert answer.status_code == 422
    assert f"missing field `{missing}`" in answer.text
