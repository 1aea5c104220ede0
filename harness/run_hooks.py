"""What behave's hooks do once for a run: the world comes up, and goes.

What only scenarios need is imported when the world has been started, so that it loads beside the world."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from behave.model import Scenario
from behave.runner import Context

from harness import isolation, ports, settings, tested
from harness.runner import Runner, options, story
from harness.runner.options import Options
from harness.runner.watched import watch
from harness.world_process import World, end_world, start_world

REAL_LIMIT_S = 900  # of a scenario in real time: the longest waits take five minutes, and some have two


def begin(userdata: Mapping[str, str]) -> Callable[[Options], Options]:
    """What this project makes of the options of a run; what takes a while goes on from now on."""
    keep_apart = isolation.begin(userdata)
    clock = settings.clock(userdata)

    def adjust(chosen: Options) -> Options:
        waiting = settings.let_wait(settings.hold(keep_apart(chosen), userdata), clock)
        return tested.describe(waiting, userdata, clock)

    return adjust


options.adjusted_by(begin)


def start(context: Context) -> None:
    """Read the settings and start the world. Raises SettingsError or WorldNotStarted."""
    if not isinstance(context._runner, Runner):
        print(
            f"note: behave's own runner runs this, as --runner says, or no setup.cfg in {os.getcwd()} says otherwise: "
            "one scenario at a time, without limits, and what crashes ends the run",
            file=sys.stderr,
        )
    userdata = context.config.userdata
    context.settings = settings.read(userdata)
    if context.settings.clock == "real":
        userdata.setdefault("limit_s", str(REAL_LIMIT_S))
    Scenario.continue_after_failed_step = context.settings.go_on
    chosen = context.settings
    is_apart = chosen.isolation == "namespaces"
    if not is_apart:
        ports.check_free()
    directory = Path(userdata.get("run_dir") or tempfile.mkdtemp(prefix="rbee-bdd-"))
    context.run_directory = directory
    context.world = start_world(
        directory / "world", chosen.stand_ins, warm=chosen.warm, namespaces=is_apart, direct=chosen.direct
    )
    watch("the world", context.world.process, context.world.log)

    from harness import scenario_hooks
    from harness.proof import blank

    story.of_the_dead(partial(scenario_hooks.story_of_the_dead, directory, context.settings))
    blank.watch(context._runner, prove=context.settings.prove)
    if context.settings.queen_scope == "run":
        scenario_hooks.start_shared_queen(context)


def end(context: Context) -> None:
    """End the world, if it was started, and remove what it made; its log is kept when there is something in it."""
    world: World | None = getattr(context, "world", None)
    if world is not None:
        end_world(world)
        if not world.log.stat().st_size:
            shutil.rmtree(world.log.parent)
