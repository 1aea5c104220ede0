"""The clock of a stage, with real programs that wait on it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from tests.harness.world import clock_bench
from tests.harness.world.clock_bench import Bench

EPOCH_US = 1_728_508_603_000_000


def test_a_sleep_takes_its_time_on_the_clock_and_none_of_ours(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> int:
        bench.start("clock.sleep(300)")
        await bench.flow()
        return bench.clock.now_us

    began_s = time.monotonic()
    now_us = clock_bench.run(tmp_path, scene)

    assert now_us == 300_000_000
    assert time.monotonic() - began_s < 30


def test_a_program_reads_the_time_of_its_clock(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> list[str]:
        bench.start("clock.sleep(1.5); print(clock.now_us())")
        await bench.flow()
        return bench.said(0)

    assert clock_bench.run(tmp_path, scene) == [str(EPOCH_US + 1_500_000)]


def test_two_waits_due_at_once_both_end_at_that_time(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> list[list[str]]:
        for _ in range(2):
            bench.start("clock.sleep(2); print(clock.now_us())")
        await bench.flow()
        return [bench.said(0), bench.said(1)]

    assert clock_bench.run(tmp_path, scene) == [[str(EPOCH_US + 2_000_000)]] * 2


def test_the_wait_of_a_killed_program_is_forgotten(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> int:
        waiting = bench.start("clock.sleep(1000)")
        await bench.flow(until=lambda: bool(bench.clock.waits))
        waiting.kill()
        waiting.wait()
        bench.start("clock.sleep(5)")
        await bench.flow()
        return bench.clock.now_us

    assert clock_bench.run(tmp_path, scene) == 5_000_000


def test_time_flows_past_several_due_times_in_their_order(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> list[list[str]]:
        for delay_s in (0.3, 0.1, 0.2):
            bench.start(f"for _ in range(3): clock.sleep({delay_s}); print(clock.now_us() - {EPOCH_US})")
        await bench.flow()
        return [bench.said(number) for number in range(3)]

    assert clock_bench.run(tmp_path, scene) == [
        ["300000", "600000", "900000"],
        ["100000", "200000", "300000"],
        ["200000", "400000", "600000"],
    ]


def test_time_stands_when_the_flow_has_ended(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> tuple[int, list[int]]:
        bench.start("clock.sleep(1); clock.sleep(1)")
        await bench.flow(until=lambda: bench.clock.now_us >= 1_000_000 and bool(bench.clock.waits))
        return bench.clock.now_us, bench.clock.waits

    assert clock_bench.run(tmp_path, scene) == (1_000_000, [2_000_000])


def test_a_limit_does_not_fire_while_its_program_works(tmp_path: Path) -> None:
    work = """
import socket, threading, time
ours, theirs = socket.socketpair()
def work():
    until = time.process_time() + 0.2
    while time.process_time() < until: pass
    theirs.send(b"done")
threading.Thread(target=work).start()
with clock.limit(1) as limited:
    limited.wait_readable(ours)
print("in-time")
"""

    async def scene(bench: Bench) -> tuple[list[str], int]:
        bench.start(work)
        await bench.flow()
        return bench.said(0), bench.clock.now_us

    assert clock_bench.run(tmp_path, scene) == (["in-time"], 0)


def test_a_limit_fires_at_once_when_nobody_will_ever_answer(tmp_path: Path) -> None:
    wait = """
import socket
ours, theirs = socket.socketpair()
try:
    with clock.limit(10) as limited:
        limited.wait_readable(ours)
except TimeoutError:
    print("limit", clock.now_us())
"""

    async def scene(bench: Bench) -> list[str]:
        bench.start(wait)
        await bench.flow()
        return bench.said(0)

    assert clock_bench.run(tmp_path, scene) == ["limit", str(EPOCH_US + 10_000_000)]


def test_a_child_process_at_work_holds_the_clock(tmp_path: Path) -> None:
    parent = """
import subprocess, sys, threading
child = [sys.executable, "-c", "import time; u = time.process_time() + 0.2\\nwhile time.process_time() < u: pass"]
threading.Thread(target=lambda: (subprocess.run(child), print(clock.now_us()))).start()
clock.sleep(60)
"""

    async def scene(bench: Bench) -> list[str]:
        bench.start(parent)
        await bench.flow()
        return bench.said(0)

    assert clock_bench.run(tmp_path, scene) == [str(EPOCH_US)]


def test_a_sibling_at_work_holds_the_clock(tmp_path: Path) -> None:
    """Whoever starts it has ended, and the parent that it gets has not run."""
    parent = """
import os, time
from mocks.common import kernel
if os.fork():
    clock.sleep(60)
else:
    clock.sleep(1)
    if kernel.fork_sibling() == 0:
        until = time.process_time() + 0.2
        while time.process_time() < until: pass
        print(clock.now_us(), flush=True)
    os._exit(0)
"""

    async def scene(bench: Bench) -> list[str]:
        bench.start(parent)
        await bench.flow()
        return bench.said(0)

    assert clock_bench.run(tmp_path, scene) == [str(EPOCH_US + 1_000_000)]


def test_a_limit_in_an_event_loop_cancels_what_it_limits(tmp_path: Path) -> None:
    loop = """
import asyncio
async def main():
    try:
        await clock.within(3, asyncio.Event().wait())
    except TimeoutError:
        print(clock.now_us())
asyncio.run(main())
"""

    async def scene(bench: Bench) -> list[str]:
        bench.start(loop)
        await bench.flow()
        return bench.said(0)

    assert clock_bench.run(tmp_path, scene) == [str(EPOCH_US + 3_000_000)]


def test_a_last_wait_comes_after_all_others_that_are_due_then(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> list[str]:
        released: list[str] = []
        for name, last in (("last", True), ("later last", True), ("first", False)):
            bench.clock.wait(1000, partial(released.append, name), last=last)
        await bench.flow(until=lambda: len(released) == 3)
        return released

    assert clock_bench.run(tmp_path, scene) == ["first", "last", "later last"]


def test_who_waits_until_nobody_works_goes_before_the_end_of_the_flow(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> bool:
        bench.start("clock.sleep(1)")
        settled = asyncio.ensure_future(bench.clock.settled())
        await bench.flow(until=lambda: bench.clock.now_us == 0)
        return settled.done()

    assert clock_bench.run(tmp_path, scene)


def test_holding_stops_the_clock(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> list[int]:
        bench.start("clock.sleep(1)")
        await bench.flow(until=lambda: bool(bench.clock.waits))
        with bench.clock.hold():
            bench.clock.flowing = True
            held = bench.clock.moving
        return [int(held), int(bench.clock.moving)]

    assert clock_bench.run(tmp_path, scene) == [0, 1]


def test_no_limit_fires_early_in_a_soak_beside_burners(tmp_path: Path) -> None:
    """One program asks another 100 times with a limit of a second pending; the other works for some milliseconds before
    each answer: processor, disk, a child process."""
    server = """
import os, socket, subprocess
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
peer = listener.accept()[0]
for number in range(100):
    peer.recv(1)
    if number % 3 == 0: sum(i * i for i in range(30000))
    elif number % 3 == 1:
        file = os.open("work", os.O_CREAT | os.O_WRONLY)
        os.write(file, b"x" * 4096)
        os.fsync(file)
        os.close(file)
    else: subprocess.run(["/bin/true"])
    peer.send(b"!")
"""
    client = """
import socket
peer = socket.create_connection(("127.0.0.1", {port}))
for number in range(100):
    peer.send(b"?")
    with clock.limit(1) as limited:
        limited.wait_readable(peer)
    peer.recv(1)
print("never-early")
"""

    async def scene(bench: Bench) -> tuple[list[str], int]:
        bench.start(f"import os; os.chdir({str(tmp_path)!r})\n{server}")
        await bench.flow(until=lambda: bool(bench.said(0)))
        bench.start(client.format(port=bench.said(0)[0]))
        await bench.flow()
        return bench.said(1), bench.clock.now_us

    with clock_bench.burners(4):
        assert clock_bench.run(tmp_path, scene) == (["never-early"], 0)
