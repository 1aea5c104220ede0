"""An attempt: one scenario, run by behave's own model in a process of its own, forked from the loaded runner."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import behave.runner
from behave.model import ScenarioOutline

from harness.runner import tree, verdict
from harness.runner.guardian import Guardian
from harness.runner.messages import Forwarder
from harness.runner.plan import Planned, containers

MARK = "RBEE_BDD_ATTEMPT"
# What is told to end without being waited for is still there when the scenario is over.
ENDING_LIMIT_S = 0.2
# Whose frames tell nothing about a scenario.
RUNNERS = (os.path.dirname(behave.runner.__file__), os.path.dirname(__file__), "<frozen")


@dataclass(frozen=True)
class Setting:
    """Where an attempt takes place. name: unique among all attempts of all runs. output: the file that gets what the
    attempt writes past behave's capture, None where that is meant for the terminal. attached: it stays in the
    terminal's session."""

    name: str
    directory: Path
    output: Path | None
    attached: bool


class Context(behave.runner.Context):
    """behave's context; but what a cleanup raised stays known, so that reports can tell it."""

    def _pop(self, capture_sink: Any = None) -> None:
        frame = self._stack[0]
        statement = frame.get(frame.get("@layer"))
        try:
            super()._pop(capture_sink=capture_sink)  # type: ignore[misc] # not in behave's type stubs
        except Exception as error:
            if statement is not None and statement.exception is None:
                statement.store_exception_context(error)
                statement.error_message = f"CLEANUP-ERROR: {type(error).__name__}: {error}"
            raise


def live(runner: Any, guardian: Guardian, planned: Planned, setting: Setting, channel: socket.socket) -> NoReturn:
    """The life of the forked process, which ends with it. What is told goes over `channel`."""
    code = 1
    try:
        guardian.entrust(os.getpid())
        _settle(setting)
        runner.config.userdata["attempt_dir"] = str(setting.directory)
        before = tree.pids()
        forwarder = Forwarder(channel, in_step_with_runner=setting.output is None)
        broke = _carry_out(runner, planned, forwarder)
        scenario = planned.scenario
        forwarder.ended(
            scenario,
            verdict.of_scenario(scenario, broke=broke),
            left=_end_what_is_left(before, setting.name),
            undefined=[[s.keyword, s.step_type, s.name, s.filename, s.line] for s in runner.undefined_steps],
            aborted=runner.aborted,
        )
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
        os._exit(code)


def _settle(setting: Setting) -> None:
    """Make the process one of its own: session, signals, output, mark."""
    if not setting.attached:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if setting.output is not None:
        output = os.open(setting.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    tree.adopt_orphans()
    os.environ[MARK] = setting.name


def _interrupted(_number: int, frame: FrameType | None) -> None:
    """Say where the attempt was when it was told to end, then let behave end it: hooks and cleanups run."""
    own = [each for each in traceback.extract_stack(frame) if not each.filename.startswith(RUNNERS)]
    os.write(2, "".join(["interrupted at:\n", *traceback.format_list(own)]).encode())
    raise KeyboardInterrupt


def _carry_out(runner: Any, planned: Planned, forwarder: Forwarder) -> BaseException | None:
    """Run the scenario with its feature's hooks; returns what came out of behave itself, such as SystemExit."""
    context = runner.context
    runner.in_attempt = True
    vars(planned.scenario).pop("run", None)  # the feed's, which goes before behave's own
    context._root["@cleanups"] = []  # those of before_all are the runner's
    runner.formatters = [forwarder]
    _leave_only(planned)
    broke: BaseException | None = None
    try:
        planned.feature.run(runner)
    except BaseException as error:
        traceback.print_exc(file=sys.__stderr__)
        broke = error
    try:
        context._do_remaining_cleanups()
    except Exception as error:
        broke = broke or error
    return broke


def _leave_only(planned: Planned) -> None:
    """Take everything but the one scenario out of the feature."""
    item: Any = planned.scenario
    for container in containers(planned.scenario):
        if isinstance(container, ScenarioOutline):
            container._scenarios = [item]
        else:
            container.run_items = [item]
        item = container


def _end_what_is_left(before: set[int], name: str) -> list[dict[str, Any]]:
    """End the processes that the scenario has left, and describe them. before: the processes that were there at
    first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    found = {*tree.living_below(os.getpid()), *tree.marked(tree.pids() - before, f"{MARK}={name}")}
    living = tree.wait_gone(found, ENDING_LIMIT_S)
    left = [tree.describe(pid) for pid in living]
    tree.send(living, signal.SIGKILL)
    tree.kill_below(os.getpid())
    tree.wait_gone(living, tree.KILLED_LIMIT_S)
    return left
