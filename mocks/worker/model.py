"""The model that a worker holds: what its GGUF file says of it, and what it has to say.

The header is read by the `gguf` library and means what it says: the vocabulary, the end token, the quantization, the
layers. Of the weights a stand-in uses nothing but their size. In their place stands a language model of one rule: *it
repeats the prompt, and goes on with words of its vocabulary*, drawn by a generator that the request's seed begins.

- A word of the prompt has its token in the vocabulary. A piece that is no word counts as well (`</s>`), and a word that
  the vocabulary lacks has one of its words instead, chosen by a checksum.
- So the text ends by itself only where the prompt holds the end token: `write a short story </s>` ends after four
  tokens. Which token that is, the header says.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mocks.common import machine
from mocks.common.errors import RbeeError

if TYPE_CHECKING:
    import gguf

Value = TypeVar("Value")

LOADERS = {".gguf": "quantized-llama"}
WORD_BEGIN = "▁"  # how a llama vocabulary marks a piece that begins a word


@dataclass(frozen=True)
class File:
    """A model file: its path as it was given, where it is on this machine, the loader for it, its size."""

    path: Path
    on_disk: Path
    loader: str
    size_bytes: int

    @property
    def size_mb(self) -> int:
        """The size in MB (of 2**20 bytes), rounded up."""
        return -(-self.size_bytes // 2**20)


@dataclass(frozen=True)
class Model:
    """What the header of a GGUF file says."""

    name: str
    quantization: str
    vocab_size: int
    eos_token_id: int
    layers: int
    pieces: tuple[str, ...]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {piece: token for token, piece in enumerate(self.pieces)}

    @cached_property
    def _words(self) -> list[int]:
        return [token for token, piece in enumerate(self.pieces) if piece.startswith(WORD_BEGIN)]

    def tokenize(self, prompt: str) -> list[int]:
        """The tokens of `prompt`, one a word; at least one."""
        return [self._token(word) for word in prompt.split() or [""]]

    def _token(self, word: str) -> int:
        known = self._ids.get(WORD_BEGIN + word, self._ids.get(word))
        return self._words[zlib.crc32(word.encode()) % len(self._words)] if known is None else known

    def generate(self, prompt: list[int], seed: int) -> Iterator[int]:
        """The tokens that follow a prompt, without end; the same ones for the same prompt and seed."""
        yield from prompt
        generator = random.Random(seed)
        while True:
            yield generator.choice(self._words)

    def text(self, token: int) -> str:
        """What a token says, without the blank before it."""
        return self.pieces[token].removeprefix(WORD_BEGIN)


def find(path: Path) -> File:
    """The model file at `path`; its extension chooses the loader.

    An absolute path lies below `RBEE_ROOT`, where that is set, whether it begins with it or not. Raises RbeeError:
    INVALID_REQUEST for an extension without a loader, MODEL_NOT_FOUND."""
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        kinds = ", ".join(f"{extension} ({loader})" for extension, loader in LOADERS.items())
        message = f"No loader for {path}: its extension is {path.suffix or 'missing'}, and this worker loads {kinds}"
        raise RbeeError("INVALID_REQUEST", message, status=400)
    inside = path.is_relative_to(os.environ.get("RBEE_ROOT") or "/")
    on_disk = path if inside or not path.is_absolute() else machine.rooted(path)
    if not on_disk.is_file():
        raise RbeeError("MODEL_NOT_FOUND", f"There is no model file at {path}", status=404)
    return File(path, on_disk, loader, on_disk.stat().st_size)


def read(file: File) -> Model:
    """The model in `file`. Only its header is read, however large the file is.

    Raises RbeeError WORKER_FAILED when that is not the GGUF header of a llama model, or cannot be read."""
    # numpy's linear algebra, which comes with gguf, would start threads that nobody needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import gguf
    import numpy

    try:
        with numpy.errstate(all="ignore"):  # figures of a broken header may overflow; what follows from them is refused
            return _model(gguf.GGUFReader(file.on_disk))
    except IndexError as error:
        raise _unfit(file, "it ends before its header does") from error
    except (OSError, ValueError, KeyError) as error:
        raise _unfit(file, str(error)) from error


def _unfit(file: File, why: str) -> RbeeError:
    return RbeeError("WORKER_FAILED", f"{file.path} is not a GGUF file of a llama model: {why}")


def _model(reader: gguf.GGUFReader) -> Model:
    import gguf

    architecture = _value(reader, "general.architecture", str)
    if architecture != "llama":
        raise ValueError(f"its architecture is {architecture}")
    layers = _value(reader, "llama.block_count", int)
    if layers < 1:
        raise ValueError("it has no layers")
    pieces = _value(reader, "tokenizer.ggml.tokens", list)
    if not any(isinstance(piece, str) and piece.startswith(WORD_BEGIN) for piece in pieces):
        raise ValueError(f"no piece of its vocabulary begins a word ({WORD_BEGIN})")
    return Model(
        name=_value(reader, "general.name", str, "model"),
        quantization=gguf.LlamaFileType(_value(reader, "general.file_type", int)).name.removeprefix("MOSTLY_"),
        vocab_size=_value(reader, "llama.vocab_size", int, len(pieces)),
        eos_token_id=_value(reader, "tokenizer.ggml.eos_token_id", int, 2),
        layers=layers,
        pieces=tuple(pieces),
    )


def _value(reader: gguf.GGUFReader, key: str, kind: type[Value], default: Value | None = None) -> Value:
    """What the metadata says under `key`, or `default`. Raises ValueError when it is of another kind, or missing."""
    field = reader.get_field(key)
    value = default if field is None else field.contents()
    if not isinstance(value, kind):
        raise ValueError(f"its {key} is {value!r}" if field else f"it has no {key}")
    return value
