"""What behave's hooks do for each scenario: a stage with a queen."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from behave.model import Scenario, Step
from behave.model_type import Status
from behave.runner import Context

from harness import fixtures
from harness.acts import registration
from harness.evidence.snapshot import snapshot
from harness.live import Live
from harness.proof import used
from harness.runner.story import Dead
from harness.runner.verdict import Leaked
from harness.settings import Settings
from harness.stage import Stage, StageError
from harness.story import tell
from harness.story.reference import keep_reference

TOPOLOGY = Path(__file__).parents[1] / "features" / "topology.yaml"
SHARED_STAGE = "shared"  # its directory in the run's folder, with -D queen_scope=run
SPOOLS = "stages"  # in the run's folder: what happened on each stage
SHOWN_EVENTS, SHOWN_LINES = 60, 200  # of a red scenario's stage: about two screens
QUEEN = f"queen-rbee --port 8080 --database {fixtures.REGISTRY}"


class FaultNotFired(Exception):
    """A scenario is green although the fault that it is about did not come about; the text says which."""


def open_stage(context: Context, scenario: Scenario) -> None:
    """Open a stage for `scenario`, with a queen that answers."""
    is_shared = context.settings.queen_scope == "run" and not _ends_the_queen(scenario)
    attempt = Path(context.config.userdata.get("attempt_dir") or context.run_directory / f"line-{scenario.line}")
    context.stage = stage = Stage(
        context.world.socket,
        context.run_directory / SHARED_STAGE if is_shared else attempt / "stage",
        TOPOLOGY,
        context.settings,
        _nothing
        if context.config.capture_stdout
        else Live(sys.stdout, attempt / "stage", steps=_shows_no_steps(context)).show,
        shared=is_shared,
        spool=context.run_directory / SPOOLS / f"{attempt.name}.jsonl",
    )
    context.evidence = stage.evidence
    if not stage.evidence.runs():  # a shared stage has a queen already, unless the scenario before ended it
        stage.start(QUEEN, keep=is_shared)
    await_queen(stage)
    if is_shared:
        registration.empty(stage)


def start_shared_queen(context: Context) -> None:
    """Start the one queen of the run, on a stage that scenarios share, one after the other."""
    directory = context.run_directory / SHARED_STAGE
    stage = Stage(context.world.socket, directory, TOPOLOGY, context.settings, _nothing, shared=True)
    stage.start(QUEEN, keep=True)
    await_queen(stage)
    stage.close()


def _shows_no_steps(context: Context) -> bool:
    """Whether none of behave's formatters shows the steps."""
    return list(context.config.format) == ["null"]


def _ends_the_queen(scenario: Scenario) -> bool:
    """Whether the scenario begins by ending its queen: it needs one of its own for that."""
    return any(step.name == fixtures.NOTHING_RUNS for step in scenario.steps)


def await_queen(stage: Stage) -> None:
    """Wait until the stage's queen, which has been started, answers, and as a queen does.

    Raises StageError when nobody answers there, or something else does."""
    answer = stage.ask_starting("queen-rbee", f"{fixtures.QUEEN_URL}/health")
    if answer.status_code != 200 or answer.json().get("status") != "ok":
        raise StageError(f"the queen's health is {answer.status_code} {answer.text!r}; awaited 200 and status ok")


def begin_step(context: Context, step: Step) -> None:
    """Say on the stage, where there is one, which step begins, and after a When what there is by now."""
    stage: Stage | None = getattr(context, "stage", None)
    if stage is not None:
        if context.settings.hold:
            _stand_before(stage, step)
        if stage.has_acted:
            stage.mark("snapshot", nodes=snapshot(stage.places.values()))
        stage.has_acted = step.step_type == "when"
        stage.mark("step", line=step.line, kind=step.step_type, text=f"{step.keyword} {step.name}")


def _stand_before(stage: Stage, step: Step) -> None:
    from harness import hold  # hardly a run has it

    if hold.is_before(stage.settings.hold, step):
        hold.stand(stage, f"before line {step.line}: {step.keyword} {step.name}")


def _stand_at_end(stage: Stage, scenario: Scenario) -> None:
    from harness import hold

    if hold.is_at_end(stage.settings.hold, scenario):
        hold.stand(stage, f"at its end, {scenario.status.name}")


def close_stage(context: Context, scenario: Scenario) -> None:
    """End the stage, and show the last that happened on it when the scenario is red.

    For a scenario that is not red it raises FaultNotFired, when a fault that it has arranged never came about,
    StageError, when a product did something without end that the world had to end, and Leaked, when a process has
    lived on that shows no trace of the stage any more."""
    stage: Stage | None = getattr(context, "stage", None)
    if stage is None:
        return
    if context.settings.hold:
        _stand_at_end(stage, scenario)
    is_undefined = any(step.status == Status.undefined for step in scenario.all_steps)
    if scenario.status.has_failed() and not is_undefined:  # of a step that there is not, no program is the culprit
        _tell(scenario, stage)
    elif stage.settings.replaced and stage.settings.stand_ins is None and scenario.status == Status.passed:
        keep_reference(scenario, stage.evidence.events, stage.directory, stage.settings)
    used.record(context.run_directory, str(scenario.location), stage.evidence)
    not_fired = stage.not_fired()
    stage.close()
    if not scenario.status.has_failed():
        if stage.hidden:
            raise Leaked("left behind, and hidden from its stage: " + "; ".join(stage.hidden))
        if stage.overrun is not None:
            raise StageError(stage.overrun)
        if not_fired:
            raise FaultNotFired("; ".join(not_fired))
    if scenario.status.has_failed() and context.config.capture_stdout:
        shown, lines = stage.evidence.events[-SHOWN_EVENTS:], io.StringIO()
        print(f"the last {len(shown)} of {len(stage.evidence.events)} things that happened on the stage:")
        live = Live(lines, stage.directory)
        for event in shown:
            live.show(event)
        print("\n".join(lines.getvalue().splitlines()[-SHOWN_LINES:]))
        print(
            f"all of it live: behave --no-capture {scenario.filename}:{scenario.line}; logs: {stage.directory / 'logs'}"
        )


def _tell(scenario: Scenario, stage: Stage) -> None:
    """Tell the story of a red scenario. That it cannot be told must not cost the scenario its verdict."""
    try:
        events, subjects = stage.evidence.events, stage.evidence.subjects
        if stage.has_acted:  # the When itself has failed
            events = [*events, {**events[-1], "event": "snapshot", "nodes": snapshot(stage.places.values())}]
        told = tell.of_scenario(scenario, events, stage.directory, subjects, stage.settings)
        scenario.story = told  # type: ignore[attr-defined] # for the runner: harness/runner/story.py
    except Exception:
        traceback.print_exc()


def story_of_the_dead(run_directory: Path, settings: Settings, dead: Dead) -> dict[str, Any]:
    """The story of an attempt that told none, from what the world has written of its stage."""
    spool = run_directory / SPOOLS / f"{dead.directory.name}.jsonl"
    directory = dead.directory / "stage"
    return tell.of_spool(dead.scenario, spool, directory, dead.step, dead.verdict.reason, settings)


def _nothing(event: Mapping[str, Any]) -> None:
    """Captured runs show nothing while a scenario runs."""
