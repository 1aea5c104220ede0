"""What the world does from its beginning to its end: it serves stages."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from pathlib import Path

from harness.world import keys
from harness.world.adoption import Orphans
from harness.world.clock import ClockSelector
from harness.world.control import LINE_BYTES, Control
from harness.world.house import House
from harness.world.library import Library
from harness.world.namespaces import Home
from harness.world.warm_parent import WarmParent

GARBAGE = 10_000  # how many new objects there may be before garbage is looked for among them


def run(parent: int, loading: tuple[int, socket.socket] | None, home: Home | None, *, leads: bool) -> None:
    """Serve stages at the socket that is the standard input, until this process is asked to end, or its `parent` is
    gone; then remove those that are left.

    `loading`: the warm parent that is to fork the stand-ins; without one they are exec'd. `home`: from where nodes get
    namespaces of their own. `leads`: see `House`."""
    gc.freeze()  # what is loaded stays: there is no garbage to be looked for
    gc.set_threshold(GARBAGE)
    selector = ClockSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(_serve(parent, selector, loading, home, leads))


async def _serve(
    parent: int,
    selector: ClockSelector,
    loading: tuple[int, socket.socket] | None,
    home: Home | None,
    leads: bool,
) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    # What the terminal sent before this process had left it is for the runner, which ends the world in order.
    for number in (signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, _leave_to_runner)
    if signal.SIGTERM in signal.sigpending():
        end.set()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # whoever starts a world keeps signals from it until now
    loop.add_reader(os.pidfd_open(os.getppid()), end.set)
    if os.getppid() != parent:  # it has gone while this process started
        end.set()
    orphans = Orphans()
    warm_parent = WarmParent(orphans, loading, home) if loading else None
    house = House(keys.generate(), selector, orphans, warm_parent, home, leads)
    library = Library(Path("models").absolute())
    attempts: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        attempts[task] = writer
        task.add_done_callback(attempts.pop)
        with contextlib.suppress(asyncio.CancelledError):  # who comes in the moment in which the world ends
            await Control(house, library, writer).serve(reader)

    listener = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    server = await asyncio.start_unix_server(attend, sock=listener, limit=LINE_BYTES, start_serving=False)
    if not end.is_set():
        await server.start_serving()
    await end.wait()
    server.close()
    for writer in attempts.values():
        writer.close()
    await asyncio.gather(*attempts, return_exceptions=True)
    for tenant in house.shared.values():
        await tenant.close()
    if warm_parent is not None:
        warm_parent.close()
    orphans.close()


def _leave_to_runner() -> None:
    """Do nothing."""
