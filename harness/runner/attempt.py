"""An attempt: one scenario, run by behave's own model in a process of its own, forked from the loaded runner."""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
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
from harness.runner.process_settings import ProcessSettings

MARK = "RBEE_BDD_ATTEMPT"
# What is told to end without being waited for is still there when the scenario is over. So long it may sleep.
ENDING_LIMIT_S = 0.2
# Whose frames tell nothing about a scenario.
RUNNERS = (os.path.dirname(behave.runner.__file__), os.path.dirname(__file__), "<frozen")


@dataclass(frozen=True)
class Setting:
    """Where an attempt takes place. name: unique among all attempts of all runs. output: the file that gets what the
    attempt writes past behave's capture, None where that is meant for the terminal. attached: it stays in the
    terminal's session. process: the settings that before_all has left. sign: what its processes bear (tree.sign)."""

    name: str
    directory: Path
    output: Path | None
    attached: bool
    process: ProcessSettings
    sign: int


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


def live(
    runner: Any,
    guardian: Guardian,
    planned: Planned,
    setting: Setting,
    channel: socket.socket,
    *,
    end: Callable[[int], NoReturn] = os._exit,
) -> NoReturn:
    """The life of the forked process, which ends with it: nothing that happens in there leaves it. What is told goes
    over `channel`. end: bound here, where no step can replace it."""
    code = 1
    try:
        code = _live(runner, guardian, planned, setting, channel)
    finally:
        end(code)


def _live(runner: Any, guardian: Guardian, planned: Planned, setting: Setting, channel: socket.socket) -> int:
    """Returns the exit code: 0 when everything has been told."""
    try:
        guardian.entrust(os.getpid())
        _settle(setting)
        runner.config.userdata["attempt_dir"] = str(setting.directory)
        before = tree.pids()
        forwarder = Forwarder(channel, planned.scenario, setting.directory, in_step_with_runner=setting.output is None)
        broke = _carry_out(runner, planned, forwarder)
        if not forwarder.is_own:
            return 1  # a fork of the attempt that has come out of its step
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user's filters are for the user's code
            _conclude(runner, planned, setting, channel, forwarder, before, broke)
        return 0
    except BaseException:
        _tell_on_stderr()
        return 1
    finally:
        _flush()


def _conclude(
    runner: Any,
    planned: Planned,
    setting: Setting,
    channel: socket.socket,
    forwarder: Forwarder,
    before: set[int],
    broke: BaseException | None,
) -> None:
    """End what the scenario has left, and tell the runner how it was."""
    scenario = planned.scenario
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outcome = verdict.of_scenario(scenario, broke=broke)
    _run_exit_functions()
    left = _end_what_is_left(before, setting, channel)
    undefined = [[s.keyword, s.step_type, s.name, s.filename, s.line] for s in runner.undefined_steps]
    forwarder.ended(
        scenario, outcome, left=left, undefined=undefined, aborted=runner.aborted, stop=bool(runner.config.stop)
    )


def _tell_on_stderr() -> None:
    """Write the traceback of what broke the attempt where the attempt's output goes, if that is still there."""
    with suppress(Exception):
        os.write(2, traceback.format_exc().encode(errors="backslashreplace"))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):
            stream.flush()  # type: ignore[union-attr] # a stream that is not there has nothing to flush


def _settle(setting: Setting) -> None:
    """Make the process one of its own: session, signals, output, mark; with the settings that the user's code has made
    for the process, and without what is to be done at the runner's end."""
    gc.freeze()  # by that what is the runner's is told apart at the end
    setting.process.apply()
    _forget_exit_functions()
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
    tree.sign(setting.sign)
    os.environ[MARK] = setting.name
    os.putenv(MARK, setting.name)  # where os.environ was replaced, that alone reaches a child


def _forget_exit_functions() -> None:
    """What the runner's process has registered with atexit is for its own end. The helpers of multiprocessing are told
    apart by their process, so that its function is right in both."""
    atexit._clear()
    if "multiprocessing.util" in sys.modules:
        atexit.register(sys.modules["multiprocessing.util"]._exit_function)


def _run_exit_functions() -> None:
    """Run what was registered in the attempt, and bring out what files still hold, as the end of a program does. What
    multiprocessing has registered waits for children that it does not end; they are not waited for, but left behind."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and any(not child.daemon for child in processes.active_children()):
        atexit.unregister(sys.modules["multiprocessing.util"]._exit_function)
    atexit._run_exitfuncs()
    # coverage begins anew in a fork, where it is told to (patch = fork), and saves at an end that has been forgotten.
    measuring = sys.modules["coverage"].Coverage.current() if "coverage" in sys.modules else None
    if measuring is not None:
        measuring.save()
    # What was there before the fork is frozen, and not among these: its buffers are the runner's.
    for each in gc.get_objects():
        if isinstance(each, io.IOBase) and not each.closed:
            with suppress(Exception):  # a file for reading, or one that has lost its descriptor
                each.flush()


def _interrupted(_number: int, frame: FrameType | None) -> None:
    """Say where the attempt was when it was told to end, then let behave end it: hooks and cleanups run."""
    own = [each for each in traceback.extract_stack(frame) if not each.filename.startswith(RUNNERS)]
    with suppress(OSError):  # the terminal may be gone
        os.write(2, "".join(["interrupted at:\n", *traceback.format_list(own)]).encode(errors="backslashreplace"))
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
        _tell_on_stderr()
        broke = error
    if not forwarder.is_own:
        return broke
    try:
        context._do_remaining_cleanups()
    except BaseException as error:
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


def _end_what_is_left(before: set[int], setting: Setting, channel: socket.socket) -> list[dict[str, Any]]:
    """End the processes that the scenario has left, and describe them; what ends by itself with its owner, such as the
    helpers of multiprocessing, is none. before: the processes that were there at first."""
    found = {*tree.living_below(os.getpid()), *tree.marked(tree.pids() - before, f"{MARK}={setting.name}")}
    if found:
        _let_go_of_descriptors(channel)
    living = tree.wait_ended(found, ENDING_LIMIT_S)
    left = [tree.describe(pid) for pid in living]
    tree.send(living, signal.SIGKILL)
    tree.kill_below(os.getpid())
    tree.wait_gone(living, tree.KILLED_LIMIT_S)
    return left


def _let_go_of_descriptors(channel: socket.socket) -> None:
    """As the end of the process will: by that a helper sees that its owner is gone."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor != channel.fileno():
            with suppress(OSError):
                os.close(descriptor)
