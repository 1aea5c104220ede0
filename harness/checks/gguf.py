"""What Then steps want to see of a worker and the GGUF file that it loads. Every function raises AssertionError with
what was seen."""

from __future__ import annotations

import re
from typing import Any

from behave.model import Table

from harness import expect
from harness.evidence import Evidence
from harness.evidence.exchanges import Exchange

REPORT = re.compile(
    r"🔎 Loader (?P<loader>\S+) by extension (?P<extension>\S+): vocabulary (?P<vocabulary>\d+),"
    r" end token (?P<end_token>\d+), (?P<quantization>\S+), (?P<layers>\d+) layers"
)


def expect_served(evidence: Evidence, table: Table) -> None:
    """The user's inferences went as the rows of the table say, in this order, each on a worker of its own: what it
    reported of the file's header (loader, extension, vocabulary, end_token, quantization, layers), the memory that the
    model took in the end (vram_mb), what it answered (tokens, stop_reason), and the exit code of the user's
    program."""
    evidence.exit_code()
    runs = [run for run in evidence.runs() if run.program == "rbee-keeper"]
    tasks = evidence.exchanges(role="queen", method="POST", path="/v2/tasks")
    loadings = evidence.exchanges(role="worker", path="/v1/loading/progress", status=200)
    answers = evidence.exchanges(role="worker", method="POST", path="/v1/inference", status=200)
    counts = [len(seen) for seen in (runs, tasks, loadings, answers)]
    expect.equal("how many inferences, tasks, loadings, answers there were", counts, [len(table.rows)] * len(counts))
    for row, run, task, loading, answer in zip(table, runs, tasks, loadings, answers, strict=True):
        worker = {**_reported(task), **_loaded(loading), **_answered(answer), "exit_code": run.exit_code}
        expect.members(f"the inference of {run}", worker, row.as_dict())


def _reported(task: Exchange) -> dict[str, Any]:
    """What the worker of a task said of its file's header."""
    said = [REPORT.fullmatch(one["human"]) for one in task.payloads if one.get("actor") == "model-loader"]
    return next((report.groupdict() for report in said if report), {})


def _loaded(loading: Exchange) -> dict[str, Any]:
    """How much memory the model took in the end, as the worker's loading stream told."""
    return {"vram_mb": next((one["vram_mb"] for one in reversed(loading.payloads) if "vram_mb" in one), None)}


def _answered(answer: Exchange) -> dict[str, Any]:
    """How many tokens a worker sent, and why it stopped."""
    tokens = [one for one in answer.payloads if one.get("type") == "token"]
    return {"tokens": len(tokens), "stop_reason": next((one.get("stop_reason") for one in answer.payloads[-1:]), None)}
