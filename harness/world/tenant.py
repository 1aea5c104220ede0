"""One stage in the world: its nodes, network, clock and processes, from opening to closing."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from harness.world import direct, sandbox
from harness.world.askers import Askers
from harness.world.clock import RealClock, StageClock, Wait
from harness.world.ends import Ends
from harness.world.faults import Faults
from harness.world.flow import STOOD, Flow
from harness.world.ground import Ground
from harness.world.house import Ended, House, Order
from harness.world.hub import Hub
from harness.world.launches import Launches
from harness.world.look import Crowd
from harness.world.namespaces import Home, Mount
from harness.world.network import Network
from harness.world.node import SshServer
from harness.world.processes import Left, Processes
from harness.world.told import TOLD_BYTES, Told

END_LIMIT_S = 5.0  # a program gets so long to end after SIGTERM
END_FLOW_US = 30_000_000  # on the clock, while programs end: a hive's cascade takes at most 10 s for each worker
NETWORK_TRIES = 50
NETWORKS = (int(ipaddress.ip_address("127.1.0.0")) >> 8, int(ipaddress.ip_address("127.255.254.0")) >> 8)
"""The first and last /24 network of loopback that a stage may get; 127.0 is left to everybody else."""
LOOPBACK = "127.0.0.1"  # where everybody is on a ground of its own


class Tenant:
    """A stage. What happens there is told to the attempt that is attached, in order.

    Its parts know it by the protocols that they define: what they may use of it is public here."""

    def __init__(self, order: Order, house: House) -> None:
        self.directory = order.directory
        self.stage = self.mark = str(order.directory)
        self.variables = order.variables
        self.clock_path = None if order.real else order.directory / "clock.sock"
        self.launcher_path = order.directory / "warm.sock" if house.warm_parent else None
        self.control_node = order.topology.control
        self.nodes = order.topology.place(order.directory)
        self.operator_path = order.directory / "operator.sock"
        self.hub: tuple[str, int] | None = None
        leads = house.leads and any(order.programs.values())
        self.hosts: Mapping[str, str] = direct.hosts(self.nodes.values()) if leads else {}
        self.faults = Faults()
        self.files = Hub(order.directory)
        self.processes = Processes(self, house.orphans)
        self.ends = Ends(self.tell, self.processes.started)
        self._askers = Askers(self.processes.roots, order.programs, self.ends.meet, self.processes.parent)
        self._crowd = Crowd(self.processes.roots)
        self.clock: StageClock | RealClock = (
            RealClock(self._crowd, self._flow_ends) if order.real else StageClock(self._crowd, self._flow_ends)
        )
        self._order, self._house = order, house
        is_own, is_warm = house.home is not None, house.warm_parent is not None
        self._contents = sandbox.Contents(order.programs, house.keys, self.hosts, launchers=is_warm, own_ground=is_own)
        self._mounts: dict[str, list[Mount]] = {}  # of each node that has a ground of its own
        self._kept: dict[int, dict[str, Any]] = {}
        self._last_wait: Wait | None = None
        self._turn = asyncio.Lock()
        self._base_us = 0
        self._told = Told(self._end_flood)
        self._flow: Flow | None = None
        self._flow_ended: asyncio.Future[None] | None = None
        self._open_parts = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Build the nodes, find a free network and let everybody listen.

        Raises OSError when a directory cannot be made, or no network is free."""
        for node in self.nodes.values():
            sandbox.build(node, self._contents)
        if self._house.home is not None:
            hub_address = await self._open_grounds(self._house.home)
        else:
            hub_address = _address(await self._open_network(), direct.HUB_NUMBER)
        self.hub = hub_address, await self.files.open(hub_address)
        self._open_parts.push_async_callback(self.files.close)
        for node in self.nodes.values():
            server = SshServer(self, node, self._house.keys)
            await server.open()
            self._open_parts.push_async_callback(server.close)
        if isinstance(self.clock, StageClock) and self.clock_path is not None:
            self._open_parts.callback(self.clock.serve(self.clock_path))
            self._house.selector.clocks.add(self.clock)
        if self._house.warm_parent is not None and self.launcher_path is not None:
            self._open_parts.callback(Launches(self.launcher_path, self, self.processes).close)

    async def attach(self, send: Callable[[dict[str, Any]], None], watcher: int) -> dict[str, Any]:
        """An attempt begins on this stage: what happens is told to it from now on, and its process `watcher` is looked
        at while time flows. What `open` replies. Its time begins now; what runs already is told as started."""
        async with self._turn:  # an attempt that died may have left the stage to be made as new first
            return self._attach(send, watcher)

    def _attach(self, send: Callable[[dict[str, Any]], None], watcher: int) -> dict[str, Any]:
        self._told.begin(send)
        self._crowd.watch(watcher)
        self._base_us = self.clock.now_us
        for started in self._kept.values():
            self.tell("started", **started)
        places = {
            node.name: {"host": node.host, "address": node.address, "directory": str(node.directory)}
            for node in self.nodes.values()
        }
        return {
            "nodes": places,
            "control": self.control_node,
            "operator": str(self.operator_path),
            "mark": self.mark,
            "epoch_us": self.clock.epoch_us + self._base_us,
        }

    async def _open_grounds(self, home: Home) -> str:
        """Give each node a ground of its own, and listen there. The address of the hub, which is at home."""
        for node in self.nodes.values():
            self._mounts[node.name] = sandbox.mounts(node, self.directory, self._order.programs)
            node.ground = home.node(node.host, self._mounts[node.name])
            node.address = LOOPBACK
            self._open_parts.callback(node.ground.close)
            if self.hosts:
                direct.lead(home, node.ground)
        proxy = Network(self, self.faults, self._askers)
        await proxy.open()
        self._open_parts.push_async_callback(proxy.close)
        return LOOPBACK

    def ground(self, pid: int) -> Ground | None:
        """Where a process of the stage lives; None for one that has gone elsewhere."""
        return next((node.ground for node in self.nodes.values() if node.ground.holds(pid)), None)

    async def _open_network(self) -> int:
        """Listen in a network that nobody else uses; its number. A taken address is somebody else's stage: try
        another."""
        taken: OSError | None = None
        for _ in range(NETWORK_TRIES):
            network = random.randint(*NETWORKS)
            for node in self.nodes.values():
                node.address = _address(network, node.number)
            try:
                proxy = Network(self, self.faults, self._askers)
                await proxy.open()
            except OSError as error:
                taken = error
                continue
            self._open_parts.push_async_callback(proxy.close)
            return network
        raise OSError(f"no network for a stage is free on loopback after {NETWORK_TRIES} tries: {taken}")

    def start(self, program: str, argv: Sequence[str], node: str, env: Mapping[str, str], *, keep: bool) -> int:
        """Start a program on a node; its pid. With `keep` it lives on when the stage is renewed. Raises OSError."""
        pid = self.processes.start(program, argv, self.nodes[node], env=env)
        if keep:
            self._kept[pid] = {"program": program, "node": node, "pid": pid, "argv": list(argv)}
        return pid

    async def close(self) -> Ended:
        """End every process of the stage, then let go of all else."""
        self._let_programs_end()
        hidden = self.processes.hidden()
        left = await self.processes.end(END_LIMIT_S)
        if isinstance(self.clock, StageClock):
            self._house.selector.clocks.discard(self.clock)
        await self._open_parts.aclose()
        self.ends.close()
        self._crowd.close()
        for node in self.nodes.values():
            sandbox.strip(node, self._order.programs)
        return _ended(left, hidden)

    async def renew(self) -> Ended:
        """Make the stage as new for the next attempt, but for the programs that are kept and the queen's registry."""
        async with self._turn:
            return await self._renew()

    async def _renew(self) -> Ended:
        self._let_programs_end()
        self._kept = {pid: kept for pid, kept in self._kept.items() if pid in self.processes.roots()}
        hidden = self.processes.hidden()
        left = await self.processes.end_others(self._kept.keys(), END_LIMIT_S)
        self._stop_flowing()
        if self._last_wait is not None:
            self._last_wait.canceled = True
        self.faults.clear()
        for node in self.nodes.values():
            sandbox.rebuild(node, self._contents, self._mounts.get(node.name, []))
        return _ended(left, hidden)

    def _let_programs_end(self) -> None:
        """Time flows while programs end, whatever the attempt does: they have limits within which they do. It flows
        only for so long, because a program that hangs would otherwise let the others live through years."""
        self._flow = None
        self._crowd.watch(None)
        self.clock.flowing = True
        if isinstance(self.clock, StageClock):
            self._last_wait = self.clock.wait(END_FLOW_US, self._stop_flowing, last=True)

    def _stop_flowing(self) -> None:
        self.clock.flowing = False

    def tell(self, event: str, **fields: Any) -> None:
        """Tell the attempt what happened (docs/design.md, "What the world tells"), with the clock's time; unless too
        much has been told already."""
        if not self._told.has_room(event, fields):
            return
        told = {"event": event, "at_us": self.now_us, **fields}
        self._told.add(told)
        if self._flow is not None:
            self._flow.saw(told)
            self.clock.nudge()

    def _end_flood(self) -> None:
        self.tell("overrun", program=None, limit_bytes=TOLD_BYTES)
        self.processes.kill()

    @property
    def now_us(self) -> int:
        """Microseconds since the attempt that is attached began."""
        return self.clock.now_us - self._base_us

    async def settled(self) -> None:
        """Wait until nobody on the stage works."""
        await self.clock.settled()

    def hold(self) -> AbstractContextManager[None]:
        """A context in which the stage's clock stands."""
        return self.clock.hold()

    async def flow(self, until: Sequence[Mapping[str, Any]], since: int) -> int | None:
        """Let time flow until a condition holds, and return its index; None when `stand` ended it.

        Events count from number `since` on, ends of processes from the beginning. Raises ValueError for a condition
        that is none, or while time flows already."""
        if self._flow is not None:
            raise ValueError("time flows already on this stage")
        flow = Flow(until)
        for number, event in enumerate(self._told.events):
            # A process that has ended has ended, whenever that was.
            if number >= since or event["event"] in ("exited", "gone"):
                flow.saw(event)
        self._flow, self._flow_ended = flow, asyncio.get_running_loop().create_future()
        for moment_us, index in flow.moments():
            self.clock.wait(max(0, moment_us - self.now_us), partial(self._reach, flow, index), last=True)
        self.clock.flowing = True
        self.clock.nudge()
        await self._flow_ended
        self._flow = None
        return flow.met if flow.met != STOOD else None

    def stand(self) -> None:
        """End the flow under way, if there is one, as soon as nobody works."""
        if self._flow is not None:
            self._reach(self._flow, STOOD)

    def _reach(self, flow: Flow, index: int) -> None:
        flow.end(index)
        self.clock.nudge()

    def _flow_ends(self) -> bool:
        """Whether the flow under way ends now; whoever waits for that is told."""
        if self._flow is None or self._flow_ended is None or self._flow.met is None:
            return False
        if not self._flow_ended.done():
            self._flow_ended.set_result(None)
        return True

    async def rest(self) -> None:
        """Wait until nobody on the stage works; time that stands goes on standing."""
        await self.clock.rest()

    async def wait(self, delay_us: int) -> None:
        """Wait on the stage's clock."""
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.clock.wait(delay_us, lambda: None if due.done() else due.set_result(None))
        await due

    def state(self) -> dict[str, Any]:
        """What the stage's time waits for: the reply to `state`."""
        if self._crowd.look():
            self._crowd.works()
        waits_us = [due_us - self._base_us for due_us in self.clock.waits]
        return {"now_us": self.now_us, "waits_us": waits_us, "working": self._crowd.working()}


def _ended(left: Sequence[Left], hidden: Sequence[Left]) -> Ended:
    return Ended([str(one) for one in left], [str(one) for one in hidden])


def _address(network: int, number: int) -> str:
    return str(ipaddress.ip_address((network << 8) + number))
