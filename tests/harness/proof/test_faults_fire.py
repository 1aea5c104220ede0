"""A scenario whose fault never comes about is red: with a real stage, on features of its own."""

from __future__ import annotations

import shutil

from tests.harness.runner.project import ROOT, Project, Ran

KILL_TOO_LATE = """
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user asks "workstation" for 20 tokens, and the worker is killed after token 50
    Then the exit code is 0
"""
SILENT_HOST_UNASKED = """
    Given the host "silent.home.arpa" accepts connections and never says a word
    When the user runs "rbee-keeper setup list-nodes"
    Then the exit code is 0
"""
SILENT_HOST_ASKED = """
    Given the host "silent.home.arpa" accepts connections and never says a word
    When the user runs:
      \"\"\"
      rbee-keeper setup add-node --name silent --ssh-host silent.home.arpa --ssh-user rbee --ssh-key ~/.ssh/id_ed25519
        --git-repo https://github.com/user/llama-orch.git --git-branch main --install-path '~/rbee'
      \"\"\"
    Then the exit code is 1
"""


def run(project: Project, steps: str) -> Ran:
    """Run a scenario of these steps with the suite's own definitions and hooks."""
    shutil.rmtree(project.directory / "features")
    (project.directory / "features").mkdir()
    shutil.copy(ROOT / "features/environment.py", project.directory / "features")
    shutil.copytree(ROOT / "features/steps", project.directory / "features/steps")
    project.write("features/planted.feature", f"Feature: planted\n  Scenario: planted\n{steps}")
    return project.behave()


def test_a_kill_at_a_token_that_never_comes_is_red(project: Project) -> None:
    ran = run(project, KILL_TOO_LATE)

    assert ran.verdict("planted")["verdict"] == "error"
    assert "50 times, so what was to happen then did not" in ran.verdict("planted")["reason"]


def test_an_arranged_fault_that_nobody_meets_is_red(project: Project) -> None:
    ran = run(project, SILENT_HOST_UNASKED)

    assert ran.verdict("planted")["verdict"] == "error"
    assert "'host': 'silent.home.arpa'} fired 0 of 1 times" in ran.verdict("planted")["reason"]


def test_an_arranged_fault_that_fires_is_green(project: Project) -> None:
    ran = run(project, SILENT_HOST_ASKED)

    assert ran.verdicts == {"planted": "passed"}
