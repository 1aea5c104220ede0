"""Models as a scenario finds them: at the hub, on a node, in its catalogue; and users who ask for them."""

from __future__ import annotations

from pathlib import PurePosixPath

from behave.model import Table

from harness import fixtures
from harness.acts import arrange
from harness.stage import Stage

MIB = 2**20


def hub_has(stage: Stage, size_bytes: int) -> None:
    """TEST-001's model has this size at the hub."""
    stage.publish(fixtures.HUB_PATH, size_bytes=size_bytes)


def hub_is_cut(stage: Stage, at_bytes: list[int]) -> None:
    """The next connections to the hub are reset, each when so many bytes of the answer's body have arrived; 0: before
    its first byte."""
    stage.arrange("cut", host=fixtures.HUB_HOST, port=80, at=at_bytes)


def lie_on(stage: Stage, node: str, table: Table) -> None:
    """The catalogue of `node` has each `model` of the table, and its file lies there; the other columns tell what
    stands in its header (`harness.world.models.write_model`)."""
    for row in table:
        cells = {name: int(cell) if cell.isdecimal() else cell for name, cell in row.as_dict().items()}
        model = str(cells.pop("model"))
        arrange.model_lies_on(stage, node, model, _path(model), **cells)


def lie_quantized_on(stage: Stage, node: str, file_types: list[str], sizes_mb: list[int]) -> None:
    """The catalogue of `node` has a model in each of these quantizations, with a file of so many MB."""
    for file_type, size_mb in zip(file_types, sizes_mb, strict=True):
        model = f"hf:TheBloke/TinyLlama-1.1B-{file_type}"
        arrange.model_lies_on(stage, node, model, _path(model), size_bytes=size_mb * MIB, file_type=file_type)


def _path(model: str) -> str:
    return f"/models/{PurePosixPath(model).name.lower()}.gguf"


def ask_each(stage: Stage, node: str, prompt: str, max_tokens: int) -> None:
    """The user asks for an inference with each model in the catalogue of `node`, one after the other."""
    for row in stage.evidence.catalogue_rows(node):
        model = f"{row['provider']}:{row['reference']}"
        stage.run(arrange.infer(node, model=model, prompt=prompt, max_tokens=max_tokens))
