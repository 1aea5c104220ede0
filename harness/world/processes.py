"""The processes of a stage: starting a program, signals, and ending all of them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.world.adoption import Orphans, descendants
from harness.world.askers import parent_of
from harness.world.program import OnExit, OnOutput, Program, when_ended
from harness.world.sandbox import environment
from harness.world.topology import Node, Stage
from mocks.common.launch import Launched, fork, launch

GRACE_S = 5.0  # real seconds between SIGTERM and SIGKILL
KILLED_LIMIT_S = 10.0  # real seconds after which a killed process is said to be stuck


@dataclass(frozen=True)
class Left:
    """A process that should not be there."""

    pid: int
    argv: list[str]

    def __str__(self) -> str:
        return f"{self.pid}: {shlex.join(self.argv)}"


class Processes:
    """The processes of one stage."""

    def __init__(self, stage: Stage, orphans: Orphans) -> None:
        self._stage = stage
        self._orphans = orphans
        self._running: set[int] = set()
        self._forked_for: dict[int, int] = {}  # process → who asked for it
        self._programs: list[Program] = []
        self._something_ended = asyncio.Event()
        self._ending = False
        self._spared: frozenset[int] = frozenset()
        (stage.directory / "logs").mkdir(parents=True, exist_ok=True)
        orphans.join(stage.mark, stage.directory, self._something_ended.set)

    def start(
        self,
        program: str,
        argv: Sequence[str],
        node: Node,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        on_output: OnOutput | None = None,
        on_exit: OnExit | None = None,
        over_ssh: bool = False,
    ) -> int:
        """Start a program on a node, and return its pid.

        `program` is its name in events and in the name of its log; `over_ssh` says that it is a shell which runs that.
        `argv[0]` is looked up on the node's PATH unless it has a slash; `env` is added to the node's environment; it
        works in `cwd`, or in the node's home. `on_output` gets each piece of its output (stream, bytes); `on_exit` its
        exit code (negative: the signal), after the last piece that can be read then. Raises OSError when it cannot be
        started, or when the stage ends."""
        if self._ending:
            raise OSError(f"stage {self._stage.stage} ends: nothing is started there any more")
        variables = {**environment(node, self._stage), **(env or {})}
        works_in = cwd or node.directory / "home"
        path = works_in / argv[0] if "/" in argv[0] else shutil.which(argv[0], path=variables["PATH"])
        if path is None:
            raise FileNotFoundError(f"there is no program {argv[0]} on {node.name} (PATH is {variables['PATH']})")
        with self._orphans.signed(self._stage.mark), node.ground.whole():
            process, outputs = _launch([str(path), *argv[1:]], variables, works_in, stdin, node.ground.files)
        pid: int = process.pid
        self._orphans.started(pid, self._stage.mark)
        self._running.add(pid)
        self._stage.tell("started", program=program, node=node.name, pid=pid, argv=list(argv), over_ssh=over_ssh)
        ended = functools.partial(self._ended, pid, on_exit)
        self._programs.append(Program(self._stage, program, node, process, outputs, on_output, ended))
        return pid

    def fork(self, asked: bytes, files: Sequence[int], parent: int, on_exit: OnExit) -> int | None:
        """Have the warm parent fork what a launcher on this stage asks for; its pid. None when it has to be exec'd.

        For the arguments see `mocks.common.launch.fork`; `parent` asked for it, and `on_exit` gets the exit code. A
        stage that ends forks nothing: whoever asked may be dead already, and nobody would end what he had asked for."""
        process = None if self._ending else fork(asked, files)
        if process is None:
            return None
        self._orphans.started(process.pid, self._stage.mark)
        self._running.add(process.pid)
        self._forked_for[process.pid] = parent
        when_ended(process, functools.partial(self._ended, process.pid, on_exit))
        return process.pid

    def started(self, pid: int) -> bool:
        """Whether this is a program that `start` has started, whose end is told as such."""
        return any(program.pid == pid for program in self._programs)

    def parent(self, pid: int) -> int:
        """Who has started a process: what is forked for somebody is his, whoever its parent is."""
        return self._forked_for.get(pid) or parent_of(pid)

    def roots(self) -> list[int]:
        """The living processes of the stage that are children of the world; all others are their descendants.

        Orphans of which nothing tells (yet) to whom they belong count for every stage."""
        return [*self._running, *self._orphans.of(self._stage.mark, None)]

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a process of this stage. Raises ProcessLookupError when `pid` is none, or is gone."""
        if pid not in descendants(self._own()):
            raise ProcessLookupError(f"{pid} is no living process of stage {self._stage.stage}")
        os.kill(pid, number)

    def hidden(self) -> list[Left]:
        """The processes that live on without whoever started them, and hide: they show neither the stage's mark nor a
        directory of it."""
        return _alive(self._orphans.hidden(self._stage.mark))

    def kill(self) -> None:
        """Kill every process of the stage."""
        self._signal_all(signal.SIGKILL)

    async def end(self, grace_s: float = GRACE_S) -> list[Left]:
        """End every process of the stage, with SIGTERM and after `grace_s` real seconds SIGKILL, and wait until all are
        gone. Returns what had to be killed.

        Raises TimeoutError when a process is stuck in the kernel and does not die."""
        self._ending = True
        self._spared = frozenset()
        left = await self._end_unspared(grace_s)
        self._orphans.leave(self._stage.mark)
        return left

    async def end_others(self, spared: Collection[int], grace_s: float = GRACE_S) -> list[Left]:
        """End every process of the stage but those `spared`, as `end` does; others may be started afterwards."""
        self._ending = True
        self._spared = frozenset(spared)
        left = await self._end_unspared(grace_s)
        self._ending = False
        return left

    async def _end_unspared(self, grace_s: float) -> list[Left]:
        for _ in range(2):  # a process that is being born, between fork and exec, forgets the first SIGTERM
            await self._ask(grace_s / 2)
        left = _alive(descendants(self._to_end()))
        try:
            async with asyncio.timeout(KILLED_LIMIT_S):
                await self._all_gone(kill=True)
        except TimeoutError as error:
            alive = (
                ", ".join(map(str, _alive(self._to_end())))
                or f"none of {self._to_end()} is alive, nor said to have ended"
            )
            raise TimeoutError(
                f"processes of a stage are not gone {KILLED_LIMIT_S:g} s after SIGKILL: {alive}"
            ) from error
        for program in [program for program in self._programs if program.pid not in self._spared]:
            program.close()
            self._programs.remove(program)
        return left

    def _ended(self, pid: int, on_exit: OnExit | None, code: int) -> None:
        self._running.discard(pid)
        self._forked_for.pop(pid, None)
        self._orphans.ended(pid)
        self._something_ended.set()
        if on_exit is not None:
            on_exit(code)

    def _own(self) -> list[int]:
        return [*self._running, *self._orphans.of(self._stage.mark)]

    def _to_end(self) -> list[int]:
        return [pid for pid in self._own() if pid not in self._spared]

    async def _ask(self, limit_s: float) -> None:
        """Send SIGTERM to all, and wait until they are gone, or `limit_s` have passed."""
        self._signal_all(signal.SIGTERM)
        self._signal_all(signal.SIGCONT)  # what was stopped does not end before it runs again
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._all_gone()

    async def _all_gone(self, *, kill: bool = False) -> None:
        """Wait until no process of the stage is left. With `kill`, each that turns up is killed, newborn ones too."""
        while self._to_end():
            if kill:
                self._signal_all(signal.SIGKILL)
            self._something_ended.clear()
            await self._something_ended.wait()

    def _signal_all(self, number: int) -> None:
        for pid in descendants(self._to_end()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _launch(
    argv: list[str], env: Mapping[str, str], cwd: Path, stdin: int, namespaces: Sequence[int]
) -> tuple[Launched, dict[str, int]]:
    """A started program, and the pipes from which its outputs are read. Raises OSError."""
    outputs, inner_ends = {}, {}
    for stream in ("stdout", "stderr"):
        outputs[stream], inner_ends[stream] = os.pipe()
    try:
        return launch(argv, env=env, cwd=cwd, stdin=stdin, namespaces=namespaces, **inner_ends), outputs
    except BaseException:
        for pipe in outputs.values():
            os.close(pipe)
        raise
    finally:
        for pipe in inner_ends.values():
            os.close(pipe)


def _alive(pids: Sequence[int]) -> list[Left]:
    """Those of these processes that have not ended."""
    alive = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(Left(pid, process.cmdline()))
    return alive
