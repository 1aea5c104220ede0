"""A model file: what its header says, what is refused, and what the model has to say."""

from __future__ import annotations

import itertools
from pathlib import Path

import gguf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.world.models import write_model
from mocks.common.errors import RbeeError
from mocks.worker import model

PROMPT = "write a short story"
MIB = 2**20
LONGEST = 2048


@pytest.fixture(scope="module")
def tinyllama(tmp_path_factory: pytest.TempPathFactory) -> model.Model:
    path = tmp_path_factory.mktemp("model") / "tinyllama.gguf"
    write_model(path, size_bytes=5_242_880)
    return model.read(model.find(path))


def text(tinyllama: model.Model, prompt: str, tokens: int, seed: int = 42) -> str:
    generated = tinyllama.generate(tinyllama.tokenize(prompt), seed)
    return " ".join(tinyllama.text(token) for token in itertools.islice(generated, tokens))


def write_gguf(
    path: Path, architecture: str = "llama", layers: int = 2, tokens: tuple[str, ...] = ("<unk>", "▁a")
) -> None:
    """A GGUF file with metadata of one's choice, and without weights."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_block_count(layers)
    writer.add_token_list(tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def test_the_header_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_model(path, size_bytes=MIB, file_type="Q5_K_M", layers=22, vocab_size=151_936, eos_token_id=7)

    read = model.read(model.find(path))

    assert (read.quantization, read.layers, read.vocab_size, read.eos_token_id) == ("Q5_K_M", 22, 151_936, 7)


def test_without_a_vocabulary_size_the_vocabulary_is_counted_and_the_end_token_is_2(tmp_path: Path) -> None:
    write_gguf(tmp_path / "model.gguf", tokens=("<unk>", "<s>", "</s>", "▁a"))

    read = model.read(model.find(tmp_path / "model.gguf"))

    assert (read.vocab_size, read.eos_token_id) == (4, 2)


def test_the_loader_is_chosen_by_the_extension(model_path: Path) -> None:
    upper = model_path.rename(model_path.with_suffix(".GGUF"))

    assert model.find(upper).loader == "quantized-llama"


@pytest.mark.parametrize(
    ("name", "what"), [("model.safetensors", "its extension is .safetensors"), ("model", "its extension is missing")]
)
def test_another_extension_is_refused(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / name).touch()

    with pytest.raises(RbeeError) as refused:
        model.find(tmp_path / name)

    assert refused.value.code == "INVALID_REQUEST"
    assert what in refused.value.message
    assert "this worker loads .gguf (quantized-llama)" in refused.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RbeeError) as missing:
        model.find(tmp_path / "gone.gguf")

    assert missing.value.code == "MODEL_NOT_FOUND"
    assert str(tmp_path / "gone.gguf") in missing.value.message


def test_an_absolute_path_lies_below_the_root_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBEE_ROOT", str(tmp_path))
    (tmp_path / "models").mkdir()
    write_model(tmp_path / "models" / "m.gguf", size_bytes=MIB)

    by_its_name = model.find(Path("/models/m.gguf"))
    by_its_place = model.find(tmp_path / "models" / "m.gguf")

    assert by_its_name.on_disk == by_its_place.on_disk == tmp_path / "models" / "m.gguf"


@pytest.mark.parametrize(("size_bytes", "size_mb"), [(5_242_880, 5), (5_242_881, 6), (5000 * MIB, 5000)])
def test_the_size_is_the_files(tmp_path: Path, size_bytes: int, size_mb: int) -> None:
    write_model(tmp_path / "m.gguf", size_bytes=size_bytes)

    file = model.find(tmp_path / "m.gguf")

    assert (file.size_bytes, file.size_mb) == (size_bytes, size_mb)


def test_a_header_of_a_very_large_file_can_be_read(tmp_path: Path) -> None:
    write_model(tmp_path / "m.gguf", size_bytes=5000 * MIB)

    assert model.read(model.find(tmp_path / "m.gguf")).layers == 32


def refusal(path: Path) -> str:
    with pytest.raises(RbeeError) as refused:
        model.read(model.find(path))
    assert refused.value.code == "WORKER_FAILED"
    return refused.value.message


def test_what_is_no_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_text("This is a text, whatever its name says.")

    assert refusal(path) == f"{path} is not a GGUF file of a llama model: GGUF magic invalid"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").touch()

    assert "is not a GGUF file of a llama model" in refusal(tmp_path / "m.gguf")


def test_half_a_header_is_refused(model_path: Path) -> None:
    model_path.write_bytes(model_path.read_bytes()[:500])

    assert "it ends before its header does" in refusal(model_path)


def test_half_a_file_is_refused(model_path: Path) -> None:
    model_path.write_bytes(model_path.read_bytes()[:5000])

    assert "is not a GGUF file of a llama model" in refusal(model_path)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", architecture="gpt2")

    assert "its architecture is gpt2" in refusal(tmp_path / "m.gguf")


def test_a_model_without_layers_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", layers=0)

    assert "it has no layers" in refusal(tmp_path / "m.gguf")


def test_a_vocabulary_without_words_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", tokens=("<unk>", "a"))

    assert "no piece of its vocabulary begins a word" in refusal(tmp_path / "m.gguf")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("damaged") / "m.gguf"
    write_model(path, size_bytes=2500)
    return path, path.read_bytes()


@given(st.dictionaries(st.integers(0, 2000), st.integers(0, 255), max_size=4), st.integers(0, 2500))
def test_a_damaged_header_is_read_or_refused_and_nothing_else(
    sound: tuple[Path, bytes], damage: dict[int, int], length: int
) -> None:
    path, content = sound
    damaged = bytearray(content)
    for place, byte in damage.items():
        damaged[place] = byte
    path.write_bytes(damaged[: length or None])

    try:
        outcome: object = model.read(model.find(path))
    except RbeeError as refused:
        outcome = refused.code

    assert isinstance(outcome, model.Model) or outcome == "WORKER_FAILED"


def test_a_prompt_has_a_token_for_each_word(tinyllama: model.Model) -> None:
    tokens = tinyllama.tokenize(PROMPT)

    assert [tinyllama.pieces[token] for token in tokens] == ["▁write", "▁a", "▁short", "▁story"]


def test_a_piece_that_is_no_word_counts_as_it_is(tinyllama: model.Model) -> None:
    assert tinyllama.tokenize("the end </s>")[-1] == 2


@given(st.text())
def test_every_prompt_has_tokens_with_a_text(tinyllama: model.Model, prompt: str) -> None:
    tokens = tinyllama.tokenize(prompt)

    assert len(tokens) == max(1, len(prompt.split()))
    assert all(tinyllama.text(token) for token in tokens)


def test_an_unknown_word_has_always_the_same_token(tinyllama: model.Model) -> None:
    first, other, again = tinyllama.tokenize("Zweifelsfrei blob Zweifelsfrei")

    assert first == again != other


def test_the_text_repeats_the_prompt_and_goes_on(tinyllama: model.Model) -> None:
    words = text(tinyllama, PROMPT, 20).split()

    assert words[:4] == PROMPT.split()
    assert len(set(words[4:])) > 4


def test_the_text_is_the_same_for_the_same_seed_only(tinyllama: model.Model) -> None:
    assert text(tinyllama, PROMPT, 20, seed=1) == text(tinyllama, PROMPT, 20, seed=1)
    assert text(tinyllama, PROMPT, 20, seed=1) != text(tinyllama, PROMPT, 20, seed=2)


@given(st.integers(0, 2**64 - 1))
def test_a_prompt_without_the_end_token_can_have_the_longest_text(tinyllama: model.Model, seed: int) -> None:
    tokens = itertools.islice(tinyllama.generate(tinyllama.tokenize(PROMPT), seed), LONGEST)

    assert tinyllama.eos_token_id not in tokens


def test_the_end_token_comes_where_the_prompt_has_it(tinyllama: model.Model) -> None:
    tokens = tinyllama.generate(tinyllama.tokenize(f"{PROMPT} </s>"), 42)

    assert list(itertools.islice(tokens, 5))[4] == tinyllama.eos_token_id
