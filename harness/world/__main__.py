"""The world process: `python -m harness.world SOCKET [warm]`. Started by the harness, once for a run; it ends with its
parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from harness.world import keys
from harness.world.adoption import Orphans
from harness.world.clock import ClockSelector
from harness.world.control import LINE_BYTES, Control
from harness.world.library import Library
from harness.world.tenant import House
from harness.world.warmth import WarmParent

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Serve stages at the Unix socket named on the command line, until SIGTERM, SIGINT, or the end of the parent.

    With the word `warm` the stand-ins are forked from a warm parent instead of being exec'd."""
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["warm"]):
        print("Usage: python -m harness.world SOCKET [warm] (the harness starts it)", file=sys.stderr)
        return 2
    leave_terminal()
    become_subreaper()
    selector = ClockSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(serve(Path(sys.argv[1]), selector, warm=bool(sys.argv[2:])))
    return 0


def leave_terminal() -> None:
    """Have a session of one's own: Ctrl+C and a closed terminal are for the runner, which then ends the world in
    order."""
    with contextlib.suppress(PermissionError):  # who was started by hand leads a process group already
        os.setsid()


def become_subreaper() -> None:
    """Have processes whose parent dies become children of this one, so that what a stage left behind is still seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


async def serve(socket: Path, selector: ClockSelector, *, warm: bool) -> None:
    """Serve stages until this process is asked to end, or its parent is gone; then remove those that are left."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    loop.add_reader(os.pidfd_open(os.getppid()), end.set)
    orphans = Orphans()
    warm_parent = WarmParent(orphans) if warm else None
    house = House(keys.generate(), selector, orphans, warm_parent)
    library = Library(socket.parent / "models")
    attempts: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        attempts[task] = writer
        task.add_done_callback(attempts.pop)
        await Control(house, library, writer).serve(reader)

    server = await asyncio.start_unix_server(attend, str(socket), limit=LINE_BYTES)
    print(json.dumps({"ready": os.getpid()}), flush=True)
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


if __name__ == "__main__":
    sys.exit(main())
