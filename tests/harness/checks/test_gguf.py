"""What a worker made of its file, as the streams of its loading, its answer and the user's task show it."""

from __future__ import annotations

import pytest
from behave.model import Table

from harness.checks import gguf as gguf_seen
from harness.evidence import Evidence
from tests.harness import told

REPORT = "🔎 Loader quantized-llama by extension .gguf: vocabulary 32000, end token 2, Q4_K_M, 32 layers"
WANTED = {
    "loader": "quantized-llama",
    "extension": ".gguf",
    "vocabulary": "32000",
    "end_token": "2",
    "quantization": "Q4_K_M",
    "layers": "32",
    "vram_mb": "669",
    "tokens": "2",
    "stop_reason": "EOS",
    "exit_code": "0",
}


def served(report: str = REPORT, vram_mb: int = 669, tokens: int = 2, loadings: int = 1) -> Evidence:
    """One inference that went like this."""
    answered = [{"type": "token", "t": "a", "i": index} for index in range(tokens)]
    answer = told.exchange("worker", "POST /v1/inference", stream=(*answered, {"type": "end", "stop_reason": "EOS"}))
    layers = ({"layers_loaded": 4, "vram_mb": 84}, {"layers_loaded": 32, "vram_mb": vram_mb}, {"stage": "ready"})
    loading = [told.exchange("worker", "GET /v1/loading/progress", stream=layers) for _ in range(loadings)]
    task = told.task({"type": "narration", "actor": "model-loader", "human": report})
    return told.evidence(*task, *(event for one in loading for event in one), *answer, *told.keeper())


def table(**changes: str) -> Table:
    cells = {**WANTED, **changes}
    return Table(list(cells), rows=[list(cells.values())])


def test_inference_as_the_row_says_is_accepted() -> None:
    gguf_seen.expect_served(served(), table())


@pytest.mark.parametrize("column", WANTED)
def test_each_column_can_be_wrong(column: str) -> None:
    with pytest.raises(AssertionError, match=f"{column}: wanted 'other'"):
        gguf_seen.expect_served(served(), table(**{column: "other"}))


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (served(report="📦 Loading model"), "no loader in"),
        (served(vram_mb=84), "vram_mb"),
        (served(tokens=3), "tokens"),
        (served(loadings=0), "how many inferences"),
        (served(loadings=2), "how many inferences"),
    ],
)
def test_another_inference_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        gguf_seen.expect_served(evidence, table())
