"""A stage of nodes and processes alone, in real time, whose world is the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from harness.world import sandbox
from harness.world.adoption import Orphans
from harness.world.keys import generate
from harness.world.processes import Processes
from harness.world.program import OnExit, OnOutput
from harness.world.topology import Node, NodeFacts

LIMIT_S = 30.0  # of every wait in these tests
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PROGRAM = "rbee-hive"  # the one program that these nodes have: it says where it runs
PROGRAM_TEXT = '#!/bin/sh\necho "$0"\n'
KEYS = generate()
Result = TypeVar("Result")


def nodes_below(directory: Path, programs: Mapping[str, Path | None], network: str = "127.0.0") -> dict[str, Node]:
    """Two built nodes: blep, without cuda and where nothing is installed, and workstation."""
    facts = {
        "blep": NodeFacts("blep.home.arpa", 16000, installed=False),
        "workstation": NodeFacts("workstation.home.arpa", 8000, (8000, 7000)),
    }
    nodes = {name: Node(name, number, directory / name, facts[name]) for number, name in enumerate(facts, start=1)}
    for node in nodes.values():
        sandbox.build(node, sandbox.Contents(programs, KEYS, {}))
        node.address = f"{network}.{node.number}"
    return nodes


def user_program(directory: Path) -> Path:
    """A program of the user's own."""
    path = directory / "the-users-hive"
    path.write_text(PROGRAM_TEXT)
    path.chmod(0o755)
    return path


class NodeStage:
    """A stage and, in `run`, the loop of its world. `events` is what it told. Its network is the test's to open."""

    clock_path: Path | None = None
    launcher_path: Path | None = None
    variables: Mapping[str, str] = {}
    control_node = "blep"
    hub: tuple[str, int] | None = None
    hosts: Mapping[str, str] = {}

    def __init__(self, directory: Path, runner: asyncio.Runner, orphans: Orphans) -> None:
        self.stage = self.mark = str(directory)
        self.directory = directory
        network = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
        self.nodes = nodes_below(directory, {PROGRAM: user_program(directory)}, network)
        self.operator_path = directory / "operator.sock"
        self.events: list[dict[str, Any]] = []
        self.run = runner.run
        self.processes = Processes(self, orphans)
        self._told = asyncio.Event()

    def tell(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})
        self._told.set()

    async def settled(self) -> None:
        """Real time does not wait until nobody works."""

    def hold(self) -> AbstractContextManager[None]:
        """Real time does not stand."""
        return contextlib.nullcontext()

    def told(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The events of this name with these fields."""
        wanted = {"event": event, **fields}
        return [told for told in self.events if wanted.items() <= told.items()]

    async def until(self, holds: Callable[[], Result], what: str) -> Result:
        """Wait, event by event, until `holds` is true. Fails after LIMIT_S."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not (result := holds()):
                    self._told.clear()
                    await self._told.wait()
                return result
        except TimeoutError:
            raise AssertionError(f"{what} was awaited for {LIMIT_S} s; told were {self.events}") from None

    async def until_told(self, event: str, **fields: Any) -> dict[str, Any]:
        """Wait until the stage has told such an event, and return the first."""
        return (await self.until(lambda: self.told(event, **fields), f"{event} {fields}"))[0]

    async def until_said(self, pid: int, text: str) -> None:
        """Wait until the program's output holds `text`."""
        await self.until(lambda: text in self.said(pid), f"{text!r} from {pid}")

    def said(self, pid: int, stream: str = "stdout") -> str:
        """All that a program has said."""
        return "".join(told["text"] for told in self.told("output", pid=pid, stream=stream))

    def start(
        self,
        *argv: str,
        node: str = "workstation",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        on_output: OnOutput | None = None,
        on_exit: OnExit | None = None,
    ) -> int:
        """Start a program named `test` on a node."""
        start = self.processes.start
        where = self.nodes[node]
        return self.run(
            _called(lambda: start("test", argv, where, env=env, cwd=cwd, on_output=on_output, on_exit=on_exit))
        )

    def shell(self, script: str, **settings: Any) -> int:
        """Start `sh -c script` on the workstation."""
        return self.start("sh", "-c", script, **settings)

    def ended(self, pid: int) -> int:
        """Wait for the end of a program: its exit code."""
        code: int = self.run(self.until_told("exited", pid=pid))["code"]
        return code


async def _called(work: Callable[[], Result]) -> Result:
    return work()


def subreaper(on: bool) -> None:
    """Whether orphans become this process's children."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0) == 0


class World:
    """The loop and the orphans of a world; a context that removes what is left in it."""

    def __enter__(self) -> World:
        subreaper(True)
        self._runner = asyncio.Runner()
        self.orphans = self._runner.run(_called(Orphans))
        self._stages: list[NodeStage] = []
        return self

    def open(self, directory: Path) -> NodeStage:
        """A stage in a new directory."""
        directory.mkdir()
        stage = self._runner.run(_called(lambda: NodeStage(directory, self._runner, self.orphans)))
        self._stages.append(stage)
        return stage

    def run(self, work: Awaitable[Result]) -> Result:
        """Run the world's loop until `work` is done."""
        return self._runner.run(_awaited(work))

    def forget_stages(self) -> None:
        """Have stages end with the world only, as if nobody had seen to them."""
        self._stages.clear()

    def __exit__(self, *_: object) -> None:
        for stage in self._stages:
            self._runner.run(stage.processes.end(grace_s=0))
        self._runner.run(_called(self.orphans.close))
        self._runner.close()
        subreaper(False)


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work
