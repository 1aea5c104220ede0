"""What the user's commands show of workers and logs."""

from __future__ import annotations

import pytest

from harness.checks import commands
from harness.evidence import Evidence
from tests.harness import one_worker_told as worker
from tests.harness import told

IDLE = {"id": worker.ID, "state": "idle"}
SHOWN = (
    f"=== Registered Workers ===\n\nWorker ID: {worker.ID}\n  Node:  workstation\n  State: idle\n  URL:   http://x\n\n"
)


def command(stdout: str, *workers: dict[str, str]) -> Evidence:
    """A command during which the queen asked the hive for its workers."""
    return told.evidence(*told.keeper((0, stdout)), *worker.listed(*workers, asker="blep"))


def test_workers_that_are_shown_as_told_are_accepted() -> None:
    commands.expect_workers_shown(command(SHOWN, IDLE), (worker.ID, "workstation", "idle"))


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (command("", IDLE), "the workers that are shown"),
        (command(SHOWN * 2, IDLE), "the workers that are shown"),
        (command(SHOWN, {**IDLE, "state": "busy"}), "the workers that the hives told"),
        (told.evidence(*told.keeper((0, SHOWN))), "the hive of workstation was not asked"),
    ],
)
def test_workers_that_are_shown_otherwise_are_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        commands.expect_workers_shown(evidence, (worker.ID, "workstation", "idle"))


@pytest.mark.parametrize(
    ("state", "line"),
    [("idle", "✓ worker-abc123 - idle (ready: true)"), ("loading", "✗ worker-abc123 - loading (ready: false)")],
)
def test_the_line_of_a_workers_health_is_known(state: str, line: str) -> None:
    evidence = command(f"{line}\n", {**IDLE, "state": state})

    commands.expect_health_shown(evidence, line, "workstation")


def test_a_health_that_no_hive_told_is_told() -> None:
    line = "✓ worker-abc123 - idle (ready: true)"

    with pytest.raises(AssertionError, match="none of the lines"):
        commands.expect_health_shown(command(line, {**IDLE, "state": "busy"}), line, "workstation")


def followed(logged_us: int, printed_us: int) -> Evidence:
    line = worker.logged("rbee-hive: worker is idle", logged_us)
    return told.evidence(*told.keeper((printed_us, line["text"])), line)


def test_a_line_that_is_read_when_it_is_written_is_accepted() -> None:
    commands.expect_followed(followed(5, 5), "workstation", "rbee-hive: worker is idle")


def test_a_line_that_comes_late_is_told() -> None:
    with pytest.raises(AssertionError, match="from the log to the user"):
        commands.expect_followed(followed(5, 6), "workstation", "rbee-hive: worker is idle")


def test_a_line_that_nobody_logged_meanwhile_is_told() -> None:
    with pytest.raises(AssertionError, match="nobody on workstation logged"):
        commands.expect_followed(followed(-1, 5), "workstation", "rbee-hive: worker is idle")
