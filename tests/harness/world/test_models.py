"""Model files are real GGUF: another reader than our own finds in them what was asked for."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from harness.world.models import SPECIAL_TOKENS, write_model

MIB = 2**20


def metadata(path: Path, key: str) -> object:
    field = gguf.GGUFReader(path).get_field(key)
    assert field is not None, f"{path} has no {key}"
    return field.contents()


@pytest.mark.parametrize("size_bytes", [5_242_880, 669 * MIB, 4096, 4097])
def test_a_model_has_exactly_the_length_asked_for(tmp_path: Path, size_bytes: int) -> None:
    path = tmp_path / "model.gguf"

    write_model(path, size_bytes=size_bytes)

    assert path.stat().st_size == size_bytes


def test_a_model_said_to_be_large_takes_next_to_nothing_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"

    write_model(path, size_bytes=5000 * MIB)

    assert path.stat().st_blocks * 512 < 64 * 1024


def test_the_weights_fill_the_file_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"

    write_model(path, size_bytes=5_242_880)

    (weights,) = gguf.GGUFReader(path).tensors
    assert weights.data_offset + weights.n_bytes == 5_242_880


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("general.architecture", "llama"),
        ("general.file_type", gguf.LlamaFileType.MOSTLY_Q5_K_M),
        ("llama.block_count", 22),
        ("llama.vocab_size", 151_936),
        ("tokenizer.ggml.eos_token_id", 7),
    ],
)
def test_the_metadata_is_as_asked_for(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "model.gguf"

    write_model(path, size_bytes=MIB, file_type="Q5_K_M", layers=22, vocab_size=151_936, eos_token_id=7)

    assert metadata(path, key) == value


def test_no_piece_of_the_vocabulary_is_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"

    write_model(path, size_bytes=MIB)

    tokens = metadata(path, "tokenizer.ggml.tokens")
    assert isinstance(tokens, list)
    assert tuple(tokens[:3]) == SPECIAL_TOKENS
    assert len(set(tokens)) == len(tokens)


def test_a_model_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"x" * 2 * MIB)

    write_model(path, size_bytes=MIB)

    assert path.stat().st_size == MIB
    assert path.read_bytes()[-1:] == b"\0"


def test_an_unknown_quantization_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no quantization 'Q9_X'"):
        write_model(tmp_path / "model.gguf", size_bytes=MIB, file_type="Q9_X")


def test_a_size_without_room_for_the_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"

    with pytest.raises(ValueError, match="bytes more than 100 for its header"):
        write_model(path, size_bytes=100)

    assert not path.exists()
