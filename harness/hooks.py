"""What behave's hooks do: the world for the run, a stage and a queen for each scenario."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from behave.model import Scenario
from behave.runner import Context

from harness import fixtures, settings
from harness.live import Live
from harness.stage import Stage, StageError
from harness.world_process import World, end_world, start_world

TOPOLOGY = Path(__file__).parents[1] / "features" / "topology.yaml"
QUEEN = f"queen-rbee --port 8080 --database {fixtures.REGISTRY}"


def start_run(context: Context) -> None:
    """Read the settings and start the world. Raises SettingsError or WorldNotStarted."""
    userdata = context.config.userdata
    context.settings = settings.read(userdata)
    directory = Path(userdata.get("run_dir") or tempfile.mkdtemp(prefix="rbee-bdd-"))
    context.run_directory = directory
    context.world = start_world(directory / "world")


def end_run(context: Context) -> None:
    """End the world, if it came up."""
    world: World | None = getattr(context, "world", None)
    if world is not None:
        end_world(world)


def open_stage(context: Context, scenario: Scenario) -> None:
    """Open a stage for `scenario`, with a queen that answers."""
    directory = Path(context.config.userdata.get("attempt_dir") or context.run_directory / f"line-{scenario.line}")
    show = _nothing if context.config.capture_stdout else Live().show
    stage = Stage(context.world.socket, directory / "stage", TOPOLOGY, context.settings, show)
    context.stage, context.evidence = stage, stage.evidence
    start_queen(stage)


def start_queen(stage: Stage) -> None:
    """Start the stage's queen on the control node and wait until it answers, and as a queen does.

    Raises StageError when nobody answers there, or something else does."""
    stage.start(QUEEN)
    try:
        answer = stage.ask("GET", f"{fixtures.QUEEN_URL}/health")
    except requests.ConnectionError as error:
        run = stage.evidence.run("queen-rbee")
        said = (run.printed("stdout") + run.printed("stderr")).strip()
        raise StageError(f"no queen answers at {fixtures.QUEEN_URL}: {run}; it said: {said or 'nothing'}") from error
    if answer.status_code != 200 or answer.json().get("status") != "ok":
        raise StageError(f"the queen's health is {answer.status_code} {answer.text!r}; awaited 200 and status ok")


def close_stage(context: Context, scenario: Scenario) -> None:
    """End the stage, and show what happened on it when the scenario is red."""
    stage: Stage | None = getattr(context, "stage", None)
    if stage is None:
        return
    stage.close()
    if scenario.status.has_failed() and context.config.capture_stdout:
        live = Live(sys.stderr)
        for event in stage.evidence.events:
            live.show(event)
        print(f"logs: {stage.directory / 'logs'}", file=sys.stderr)


def _nothing(event: Mapping[str, Any]) -> None:
    """Captured runs show nothing while a scenario runs."""
