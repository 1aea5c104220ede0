"""Finding and ending the processes below a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.runner import tree

LIMIT_S = 20
# Adopts orphans, has a child with a child, and one that detached itself; then tells that all are there.
FAMILY = """
import os, sys, time
from harness.runner import tree
tree.adopt_orphans()
for depth in (1, 2):
    if os.fork() == 0:
        if depth == 2:
            os.setsid()
        if os.fork() == 0:
            print("there", flush=True)
            time.sleep(600)
        if depth == 1:
            time.sleep(600)
        os._exit(0)
os.wait()
print("there", flush=True)
time.sleep(600)
"""


@pytest.fixture
def family() -> Iterator[subprocess.Popen[str]]:
    """A process with three living ones below it."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        yield process
        tree.kill(process.pid)


def test_everything_below_is_found_however_it_detached_itself(family: subprocess.Popen[str]) -> None:
    below = tree.living_below(family.pid)

    assert len(below) == 3
    assert len({os.getsid(pid) for pid in below}) == 2


def test_kill_below_leaves_the_process_itself(family: subprocess.Popen[str]) -> None:
    tree.kill_below(family.pid)

    assert tree.living_below(family.pid) == []
    assert tree.is_living(family.pid)


def test_kill_ends_the_process_with_all_below_it(family: subprocess.Popen[str]) -> None:
    below = tree.living_below(family.pid)

    tree.kill(family.pid)

    assert family.wait(LIMIT_S) == -signal.SIGKILL
    assert tree.wait_gone(below, 0) == []


def test_what_does_not_exist_has_nothing_below_it_and_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait(LIMIT_S)

    assert tree.living_below(process.pid) == []
    assert not tree.is_living(process.pid)
    assert tree.wait_gone([process.pid], LIMIT_S) == []


def test_wait_gone_returns_those_that_live_on(family: subprocess.Popen[str]) -> None:
    assert tree.wait_gone([family.pid], 0.01) == [family.pid]


def test_zombie_does_not_live() -> None:
    process = subprocess.Popen(["true"])
    tree.wait_gone([process.pid], LIMIT_S)

    assert process.pid in tree.children(os.getpid())
    assert process.pid not in tree.living_below(os.getpid())
    tree.reap([process.pid])
    assert process.pid not in tree.children(os.getpid())
    process.returncode = 0  # it has been collected here


def test_marked_processes_are_told_apart() -> None:
    with subprocess.Popen(["sleep", "600"], env={"MARK": "run.1"}) as one:
        with subprocess.Popen(["sleep", "600"], env={"MARK": "run.11"}) as other:
            found = tree.marked(tree.pids(), "MARK=run.1")
            other.kill()
        one.kill()

    assert found == [one.pid]
