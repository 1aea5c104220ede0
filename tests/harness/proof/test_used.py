"""What a scenario uses, as its stage has seen it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.evidence import Evidence
from harness.proof import used
from tests.harness import told

ASKED: dict[str, Any] = {
    "asker": "blep",
    "host": "h",
    "node": "workstation",
    "method": "POST",
    "headers": {},
    "body": None,
}
ARGV = ["/home/bin/rbee-keeper", "setup", "add-node", "--name", "workstation"]
EVENTS: list[dict[str, Any]] = [
    {"event": "started", "at_us": 0, "program": "rbee-keeper", "node": "blep", "pid": 1, "argv": ARGV},
    {"event": "asked", "at_us": 1, "exchange": 1, "port": 8080, "path": "/v2/tasks", **ASKED},
    {"event": "answered", "at_us": 2, "exchange": 1, "status": 200, "headers": {}},
    {"event": "passed", "at_us": 3, "exchange": 1, "data": '{"type": "error", "code": "WORKER_CRASHED"}'},
    {"event": "asked", "at_us": 4, "exchange": 2, "port": 9200, "path": "/v1/health", **ASKED},
    {"event": "asked", "at_us": 5, "exchange": 3, "port": 8001, "path": "/v1/inference/4711-a?x=1", **ASKED},
    {"event": "answered", "at_us": 6, "exchange": 3, "status": 204, "headers": {}},
    {"event": "asked", "at_us": 7, "exchange": 4, "port": 80, "path": "/file", **ASKED},
    {"event": "ended", "at_us": 8, "exchange": 4, "how": "cut", "body": None, "size": 5},
]
USED = [
    "error WORKER_CRASHED",
    "hub cut",
    "llm-worker-rbee POST /v1/inference/* 204",
    "queen-rbee POST /v2/tasks 200",
    "rbee-keeper setup add-node --name",
]


@pytest.fixture
def evidence() -> Evidence:
    return told.evidence(*EVENTS)


def test_commands_answered_requests_errors_and_cuts_are_used(evidence: Evidence) -> None:
    assert used.used(evidence) == USED


def test_what_was_recorded_is_read_again(evidence: Evidence, tmp_path: Path) -> None:
    used.record(tmp_path, "f.feature:3", evidence)
    used.record(tmp_path, "f.feature:9", evidence)

    assert used.recorded(tmp_path) == {"f.feature:3": USED, "f.feature:9": USED}
