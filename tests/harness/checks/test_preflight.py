"""A hive's checks before it starts a worker, as its node's tools and the user's task show them."""

from __future__ import annotations

from typing import Any

import pytest
from behave.model import Table

from harness.checks import preflight
from harness.evidence import Evidence, made_up
from tests.harness import told

RAM = "RAM check: required 6000 MB, available 8000 MB"
CUDA = "Backend check: cuda available (device 1)"
REFUSAL = {"error": {"code": "VRAM_EXHAUSTED", "details": {"required": 6000, "available": 4000}}}
WANTED = Table(["status", "code", "required", "available"], rows=[["507", "VRAM_EXHAUSTED", "6000", "4000"]])


def checked(monkeypatch: pytest.MonkeyPatch, conclusions: list[str], *queries: str) -> Evidence:
    """A hive that concluded this, in its order, and for that called these tools."""
    monkeypatch.setattr(Evidence, "tools", lambda *_: [f"~\t{query}" for query in queries])
    stream = [{"type": "narration", "actor": "worker-preflight", "human": text} for text in conclusions]
    return told.evidence(*told.task(*stream), *told.keeper())


def refused(*more: told.Event, answer: Any = REFUSAL, spawns: int = 1) -> Evidence:
    spawn = [told.exchange("hive", "POST /v1/workers/spawn", answer, status=507) for _ in range(spawns)]
    return told.evidence(*(event for one in spawn for event in one), *more, *told.keeper(), nodes=("workstation",))


def test_memory_that_was_asked_and_told_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = checked(monkeypatch, [RAM], "free -m")

    preflight.expect_memory_check(evidence, "workstation", "RAM", 6000, 8000)


def test_memory_that_was_told_but_not_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = checked(monkeypatch, [RAM], preflight.DEVICE_QUERY)

    with pytest.raises(AssertionError, match="what was asked on workstation: wanted 'free -m'"):
        preflight.expect_memory_check(evidence, "workstation", "RAM", 6000, 8000)


def test_device_that_was_found_after_the_ram_check_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = checked(monkeypatch, [RAM, CUDA], "free -m", preflight.DEVICE_QUERY)

    preflight.expect_device_check(evidence, "workstation", 1, "cuda")


@pytest.mark.parametrize(
    ("conclusions", "queries", "fault"),
    [
        ([CUDA, RAM], ["free -m", preflight.DEVICE_QUERY], "what the hive concluded"),
        ([RAM], ["free -m", preflight.DEVICE_QUERY], "what the hive concluded"),
        ([RAM, CUDA], [preflight.DEVICE_QUERY, "free -m"], "what was asked on workstation"),
    ],
)
def test_device_check_in_another_order_is_told(
    monkeypatch: pytest.MonkeyPatch, conclusions: list[str], queries: list[str], fault: str
) -> None:
    evidence = checked(monkeypatch, conclusions, *queries)

    with pytest.raises(AssertionError, match=fault):
        preflight.expect_device_check(evidence, "workstation", 1, "cuda")


def test_refusal_without_a_worker_is_accepted() -> None:
    preflight.expect_refusal(refused(), "workstation", WANTED)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (refused(answer={"worker_id": "worker-1"}), "was not refused"),
        (refused(answer={"error": {"code": "VRAM_EXHAUSTED"}}), "the answer to"),
        (refused(spawns=2), "how often a worker was asked for"),
        (refused(*told.exchange("hive", "POST /v1/workers/ready")), "no ready callback of a worker"),
        (refused().at_once(made_up.process("llm-worker-rbee", "workstation")), "no worker on workstation"),
    ],
)
def test_refusal_that_is_none_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        preflight.expect_refusal(evidence, "workstation", WANTED)
