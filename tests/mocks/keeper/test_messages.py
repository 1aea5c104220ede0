"""The words for each failure of an inference."""

from __future__ import annotations

from typing import Any

import pytest

from mocks.common.errors import RbeeError
from mocks.keeper import messages

WORKSTATION = "workstation.home.arpa"


@pytest.mark.parametrize(
    ("code", "details", "words"),
    [
        (
            "NODE_NOT_FOUND",
            {"node": "mac"},
            "[queen-rbee] ❌ ERROR: Node 'mac' not found in rbee-hive registry\n\nTo add this node, run:\n"
            "  rbee-keeper setup add-node --name mac --ssh-host <host> ...",
        ),
        (
            "CONNECTION_TIMEOUT",
            {"node": "workstation", "host": WORKSTATION, "port": 9200, "attempts": 3},
            "Error: Cannot connect to workstation.home.arpa:9200 after 3 attempts\n"
            "Suggestion: Check if rbee-hive is running on workstation",
        ),
        (
            "VRAM_EXHAUSTED",
            {"required": 6000, "available": 4000},
            "Error: Insufficient VRAM on workstation\n  Required: 6000 MB\n  Available: 4000 MB\n\n"
            "Suggestion: Try a smaller quantized model (Q4 instead of Q8)",
        ),
        (
            "BACKEND_UNAVAILABLE",
            {"requested": "metal", "available": ["cpu", "cuda"]},
            "Error: Backend not available on workstation\n  Requested: metal\n  Available: cpu, cuda\n\n"
            "Suggestion: Choose an available backend (--backend), or another node",
        ),
        (
            "ALL_SLOTS_BUSY",
            {"node": "workstation", "retries": 3, "slots_total": 1, "slots_busy": 1},
            "Error: Worker still busy after 3 retries\n"
            "Suggestion: Wait for current request to complete or use a different node",
        ),
        (
            "LOADING_TIMEOUT",
            {"node": "workstation", "state": "loading", "layers_loaded": 28, "layers_total": 32},
            "Error: Model loading timeout after 5 minutes\nWorker state: loading (stuck at 28/32 layers)\n\n"
            "Suggestion: Check worker logs on workstation for errors",
        ),
        (
            "VERSION_MISMATCH",
            {"keeper_version": "0.1.0", "hive_version": "0.2.0"},
            "Error: Version mismatch\n  rbee-keeper: v0.1.0\n  rbee-hive: v0.2.0\n\n"
            "Please upgrade rbee-keeper to v0.2.0:\n  cargo install rbee-keeper --version 0.2.0",
        ),
        (
            "INVALID_API_KEY",
            {"host": WORKSTATION},
            "Error: Authentication failed\n  Invalid API key for workstation.home.arpa\n\n"
            "Check your configuration:\n  ~/.rbee/config.yaml",
        ),
        (
            "MISSING_API_KEY",
            {"host": WORKSTATION},
            "Error: Authentication required\n  No API key for workstation.home.arpa\n\n"
            "Check your configuration:\n  ~/.rbee/config.yaml",
        ),
        (
            "SSH_DENIED",
            {"node": "workstation", "host": WORKSTATION, "user": "rbee"},
            "Error: SSH authentication failed for rbee@workstation.home.arpa\n"
            "Suggestion: Check the SSH key with which workstation was added (rbee-keeper setup add-node --ssh-key)",
        ),
        (
            "DOWNLOAD_FAILED",
            {"model": "hf:m", "attempts": 6},
            "Error: Model download failed after 6 attempts (DOWNLOAD_FAILED)\n  Model: hf:m\n\n"
            "Suggestion: Check the network of workstation and the name of the model",
        ),
        ("SOMETHING_ELSE", {}, "Error: the message"),
    ],
)
def test_words(code: str, details: dict[str, Any], words: str) -> None:
    failure = RbeeError(code, "the message", **details)

    assert messages.words(failure, "workstation") == words


def test_what_a_queen_left_out_shows_as_a_question_mark() -> None:
    said = messages.words(RbeeError("VRAM_EXHAUSTED", "m"), "workstation")

    assert "  Required: ? MB\n  Available: ? MB" in said
