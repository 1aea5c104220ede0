"""The addresses of the 62 scenarios: users and notes name a scenario by its line, so title, line and tags are fixed."""

from pathlib import Path

import pytest
from behave.parser import parse_file

FEATURE = Path(__file__).parents[2] / "features" / "test-001.feature"

# Line, tags, title.
TABLE = [
    (33, "registry-setup critical", "Add remote rbee-hive node to registry"),
    (73, "registry-setup", "Add node with SSH connection failure"),
    (95, "registry-setup", "Install rbee-hive on remote node"),
    (121, "registry-setup", "List registered rbee-hive nodes"),
    (141, "registry-setup", "Remove node from rbee-hive registry"),
    (152, "registry-setup critical", "Inference fails when node not in registry"),
    (176, "", "Happy path - cold start inference on remote node"),
    (230, "", "Warm start - reuse existing idle worker"),
    (264, "", "Worker registry returns empty list"),
    (275, "", "Worker registry returns matching idle worker"),
    (280, "", "Worker registry returns matching busy worker"),
    (289, "", "Pool preflight health check succeeds"),
    (303, "", "Pool preflight detects version mismatch"),
    (312, "needs-clock", "Pool preflight connection timeout with retry"),
    (327, "", "Model found in SQLite catalog"),
    (336, "", "Model not found - download with progress"),
    (352, "", "Model download fails with retry"),
    (363, "", "Model catalog registration after download"),
    (380, "gguf team-036", "GGUF model detection by file extension"),
    (389, "gguf team-036", "GGUF metadata extraction"),
    (401, "gguf team-036", "GGUF quantization formats supported"),
    (413, "gguf team-036", "GGUF model size calculation"),
    (424, "", "Worker preflight RAM check passes"),
    (432, "", "Worker preflight RAM check fails"),
    (443, "", "Worker preflight backend check passes"),
    (450, "", "Worker preflight backend check fails"),
    (463, "", "Worker startup sequence"),
    (481, "", "Worker ready callback"),
    (502, "", "Worker registration in in-memory registry"),
    (521, "", "Worker health check while loading"),
    (535, "", "Worker loading progress stream"),
    (547, "", "Worker health check when ready"),
    (560, "needs-clock", "Worker loading timeout"),
    (573, "", "Inference request with SSE streaming"),
    (604, "", "Inference request when worker is busy"),
    (633, "needs-clock", "EC1 - Connection timeout with retry and backoff"),
    (646, "", "EC2 - Model download failure with retry"),
    (659, "", "EC3 - Insufficient VRAM"),
    (673, "", "EC4 - Worker crash during inference"),
    (689, "", "EC5 - Client cancellation with Ctrl+C"),
    (702, "", "EC6 - Queue full with retry"),
    (718, "needs-clock", "EC7 - Model loading timeout"),
    (730, "", "EC8 - Version mismatch"),
    (745, "", "EC9 - Invalid API key"),
    (770, "needs-clock", "EC10 - Idle timeout and worker auto-shutdown"),
    (786, "lifecycle critical needs-clock", "Rbee-hive remains running as persistent HTTP daemon"),
    (797, "lifecycle needs-clock", "Rbee-hive monitors worker health"),
    (808, "lifecycle critical needs-clock", "Rbee-hive enforces idle timeout (worker dies, pool lives)"),
    (818, "lifecycle critical", "Cascading shutdown when rbee-hive receives SIGTERM"),
    (830, "lifecycle critical", "rbee-keeper exits after inference (CLI dies, daemons live)"),
    (840, "lifecycle critical", "Ephemeral mode - rbee-keeper spawns rbee-hive"),
    (854, "lifecycle critical", "Persistent mode - rbee-hive pre-started"),
    (869, "", "Error response structure validation"),
    (894, "install team-036", "CLI command - install to user paths"),
    (909, "install team-036", "CLI command - install to system paths"),
    (919, "install team-036", "Config file loading with XDG priority"),
    (934, "install team-036", "Remote binary path configuration"),
    (949, "", "CLI command - basic inference"),
    (965, "", "CLI command - list workers"),
    (971, "", "CLI command - check worker health"),
    (976, "", "CLI command - manually shutdown worker"),
    (983, "", "CLI command - view logs"),
]


@pytest.mark.parametrize(("line", "title"), [(line, title) for line, _, title in TABLE])
def test_title_stands_on_its_line(line: int, title: str) -> None:
    lines = FEATURE.read_text(encoding="utf-8").splitlines()

    assert lines[line - 1] == f"  Scenario: {title}"


def test_feature_holds_these_scenarios_with_these_tags_and_no_others() -> None:
    scenarios = parse_file(str(FEATURE)).walk_scenarios()

    found = [
        (scenario.line, " ".join(tag for tag in scenario.tags if tag != "wip"), scenario.name) for scenario in scenarios
    ]
    assert found == TABLE


def test_no_background_step_registers_a_node() -> None:
    background = parse_file(str(FEATURE)).background

    assert not [step.name for step in background.steps if "registered" in step.name]
