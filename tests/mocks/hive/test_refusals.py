"""What a hive refuses before anything has happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from mocks.hive import hub
from mocks.hive.workers import Workers
from tests.mocks.hive.conftest import Machine
from tests.mocks.hive.hub_fake import Hub


@pytest.fixture
def model(machine: Machine) -> Path:
    path = machine.home / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def spawn(hive: FlaskClient, model: Path, **changes: str) -> tuple[int, str]:
    """The answer to an order for a worker; `changes` are JSON texts of its members."""
    usual = {"model_ref": '"hf:org/repo"', "backend": '"cpu"', "device": "0", "model_path": json.dumps(str(model))}
    text = ", ".join(f'"{name}": {value}' for name, value in (usual | changes).items())
    answer = hive.post("/v1/workers/spawn", data=f"{{{text}}}", content_type="application/json")
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"worker_id": '"\\ud800"'}, 400, "lone leading surrogate in hex escape"),
        ({"worker_id": '"a\\u0000b"'}, 400, "Invalid worker_id"),
        ({"worker_id": '"a\\nb"'}, 400, "Invalid worker_id"),
        ({"worker_id": '"-x"'}, 400, "Invalid worker_id"),
        ({"worker_id": f'"{"x" * 256}"'}, 400, "Invalid worker_id"),
        ({"device": "9" * 5000}, 400, "number out of range"),
        ({"device": "9" * 30}, 422, "floating point `1e+30`, expected u32"),
        ({"other": "[" * 10_000 + "]" * 10_000}, 400, "recursion limit exceeded"),
        ({"model_path": '"a\\u0000b"'}, 404, "cannot be used"),
        ({"model_path": '"/dev/zero"'}, 404, "it is no file"),
        ({"model_path": f'"{"x" * 5000}"'}, 404, "File name too long"),
        ({"model_path": '"/"'}, 404, "it is no file"),
    ],
)
def test_an_order_that_cannot_be_carried_out_starts_nothing(
    changes: dict[str, str], status: int, words: str, hive: FlaskClient, workers: Workers, model: Path
) -> None:
    answered, said = spawn(hive, model, **changes)

    assert (answered, words in said) == (status, True)
    assert workers.all() == []


def test_an_order_that_can_be_carried_out_starts_a_worker(hive: FlaskClient, workers: Workers, model: Path) -> None:
    answered, _ = spawn(hive, model, worker_id='"Ω 😀"')

    assert (answered, [worker.id for worker in workers.all()]) == (200, ["Ω 😀"])


@pytest.mark.parametrize("name", ["org/../repo", "../../etc", "org/a\0b", "org/x.part"])
def test_a_reference_that_is_no_file_s_ends_its_download(
    name: str, hive: FlaskClient, hub: Hub, machine: Machine
) -> None:
    told = hive.post("/v1/models/download", json={"model_ref": f"hf:{name}"}).get_json()

    stream = hive.get(f"/v1/models/download/progress?id={told['download_id']}").text

    assert "Invalid model reference format" in stream
    assert list(machine.root.rglob("*")) == []


def test_models_with_files_of_the_same_name_do_not_overwrite_each_other(hive: FlaskClient, hub: Hub) -> None:
    contents = {"hf:a/model": b"of a", "hf:b/model": b"of b"}
    for reference, content in contents.items():
        hub.files[f"/{reference.removeprefix('hf:')}/resolve/main/model.gguf"] = content
        told = hive.post("/v1/models/download", json={"model_ref": reference}).get_json()
        assert '"complete"' in hive.get(f"/v1/models/download/progress?id={told['download_id']}").text

    for reference, content in contents.items():
        known = hive.post("/v1/models/download", json={"model_ref": reference}).get_json()
        assert Path(known["local_path"]).read_bytes() == content


def test_a_name_of_a_file_is_as_long_as_file_systems_take_it() -> None:
    longest = "x" * (hub.LONGEST_NAME_BYTES - len(".gguf.part"))

    assert hub.locate(hub.Reference("hf", f"org/{longest}")).part.name == f"{longest}.gguf.part"
