"""References of models, and the files that they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.common.errors import RbeeError
from mocks.hive import hub
from tests.mocks.hive.conftest import Machine


def test_reference_is_split_at_the_first_colon() -> None:
    assert hub.reference("hf:org/repo:tag") == hub.Reference("hf", "org/repo:tag")


def test_reference_without_provider_is_refused() -> None:
    with pytest.raises(RbeeError, match="expected 'provider:reference', got 'tinyllama'") as refused:
        hub.reference("tinyllama")

    assert (refused.value.code, refused.value.status) == ("INVALID_REQUEST", 400)


@pytest.mark.parametrize(
    ("name", "address", "path"),
    [
        (
            "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
            "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF/resolve/main/tinyllama-q4.gguf",
            "tinyllama-q4.gguf",
        ),
        (
            "TheBloke/Llama-2-7B-GGUF",
            "TheBloke/Llama-2-7B-GGUF/resolve/main/llama-2-7b.gguf",
            "hf/TheBloke/Llama-2-7B-GGUF/llama-2-7b.gguf",
        ),
        ("org/Plain", "org/Plain/resolve/main/plain.gguf", "hf/org/Plain/plain.gguf"),
        ("org/repo/Own-File.gguf", "org/repo/resolve/main/Own-File.gguf", "hf/org/repo/Own-File.gguf"),
        ("org/a b", "org/a%20b/resolve/main/a%20b.gguf", "hf/org/a b/a b.gguf"),
    ],
)
def test_file_of_a_reference(name: str, address: str, path: str, machine: Machine) -> None:
    found = hub.locate(hub.Reference("hf", name))

    assert found == hub.HubFile(f"http://hub.home.arpa/{address}", machine.root / "models" / path)


def test_no_two_references_have_a_path_in_common(machine: Machine) -> None:
    names = ["a/model", "b/model", "a/b/model.gguf", "b/a/model.gguf", "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"]
    names += ["TheBloke/tinyllama-q4", "tinyllama-q4.gguf/x", "a/model/model.GGUF"]

    files = [hub.locate(hub.Reference("hf", name)) for name in names]

    taken = [file.path for file in files] + [file.part for file in files]
    assert len(set(taken)) == 2 * len(names)
    assert not any(one in other.parents for one in taken for other in taken)


@pytest.mark.parametrize(
    "name",
    [
        *("m", "", "org/", "/repo", "org/repo/a/b", "org/repo/..", "../repo"),
        *("org/repo/a\0b", "org\n/repo", "org/repo/x.gguf.part", f"org/{'r' * 256}"),
    ],
)
def test_reference_that_names_no_file_is_refused(name: str) -> None:
    with pytest.raises(RbeeError, match="Invalid model reference format") as refused:
        hub.locate(hub.Reference("hf", name))

    assert refused.value.status == 400


def test_directory_of_models_can_be_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RBEE_MODEL_BASE_DIR", str(tmp_path))

    assert hub.locate(hub.Reference("hf", "org/repo")).path == tmp_path / "hf/org/repo/repo.gguf"
