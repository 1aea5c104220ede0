"""Processes below a process: finding them, and ending them without fail. Linux only."""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import listening
from harness.runner.monotonic import now_s

PR_SET_CHILD_SUBREAPER = 36
KILLED_LIMIT_S = 2.0
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """From now on this process becomes the parent of every orphan below it, however it detached itself (prctl(2))."""
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def children(pid: int) -> list[int]:
    """The children of a process, zombies included; none when it is gone."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def living_below(pid: int) -> list[int]:
    """The processes below a process, children before their children, without zombies."""
    found: list[int] = []
    waiting = children(pid)
    while waiting:
        child = waiting.pop(0)
        waiting += children(child)
        if is_living(child):
            found.append(child)
    return found


def is_living(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    return _state(pid) not in (b"Z", b"X")


def is_working(pid: int) -> bool:
    """Whether the process computes, or would if it had a processor."""
    return _state(pid) in (b"R", b"D")


def _state(pid: int) -> bytes:
    """The letter of proc(5) for what the process does; X when it is gone."""
    try:
        # Bytes: a process may have any name, also one that is cut in the middle of a character.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return b"X"


def sign(number: int) -> None:
    """Have this process, and all that will be below it, bear a number of the runner's, which stays when a process takes
    away its environment, its session and its parents: a limit that concerns none of them (RLIMIT_RTTIME, soft)."""
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    with suppress(ValueError):  # a limit is set already, and lower
        resource.setrlimit(resource.RLIMIT_RTTIME, (number, hard))


def sign_of(pid: int) -> int | None:
    """The number that a process bears, its own or that of the kernel; None when that cannot be known any more."""
    with suppress(OSError):
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[0]
    return None


def pids() -> set[int]:
    """Every process of the machine."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def marked(candidates: Iterable[int], mark: str) -> list[int]:
    """Those of the processes that were started with the variable `mark` (`NAME=value`) in their environment."""
    wanted = mark.encode() + b"\0"
    found: list[int] = []
    for pid in candidates:
        with suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
    return found


def wait_gone(processes: Collection[int], limit_s: float) -> list[int]:
    """Wait until the processes have ended, `limit_s` at most; returns those that live on."""
    waiting: dict[int, int] = {}
    for pid in processes:
        with suppress(ProcessLookupError):
            waiting[os.pidfd_open(pid)] = pid
    until_s = now_s() + limit_s
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    while waiting:
        ended = poll.poll(max(0.0, until_s - now_s()) * 1000)
        if not ended:
            break
        for descriptor, _ in ended:
            poll.unregister(descriptor)
            os.close(descriptor)
            del waiting[descriptor]
    for descriptor in waiting:
        os.close(descriptor)
    return [pid for pid in waiting.values() if is_living(pid)]


def wait_ended(processes: Collection[int], asleep_limit_s: float) -> list[int]:
    """Wait until the processes have ended; returns those that live on, and do nothing about that for `asleep_limit_s`:
    on a busy machine who is ending needs his time."""
    until_s = now_s() + KILLED_LIMIT_S
    living = wait_gone(processes, asleep_limit_s)
    while any(map(is_working, living)) and now_s() < until_s:
        living = wait_gone(living, asleep_limit_s)
    return living


def send(processes: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each of the processes that is still there."""
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_below(pid: int) -> None:
    """Kill everything below a process that adopts orphans, until nothing is left there."""
    until_s = now_s() + KILLED_LIMIT_S
    while (found := living_below(pid)) and now_s() < until_s:
        send(found, signal.SIGKILL)
        wait_gone(found, KILLED_LIMIT_S)


def kill(root: int) -> None:
    """Kill a process and everything below it. It is stopped first, so that it starts nothing meanwhile."""
    send([root], signal.SIGSTOP)
    kill_below(root)
    send([root], signal.SIGKILL)
    wait_gone([root], KILLED_LIMIT_S)


def reap(processes: Iterable[int]) -> None:
    """Collect the exit status of children that have ended, so that no zombie stays."""
    for pid in processes:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def end_adopted(own: Collection[int], is_meant: Callable[[int], bool], more: Iterable[int]) -> list[dict[str, Any]]:
    """Kill those children of this process that it has only adopted and that are meant, all below them, and `more`;
    returns what they were.

    own: its own children."""
    ended: list[dict[str, Any]] = []
    until_s = now_s() + KILLED_LIMIT_S
    while found := {*filter(is_meant, set(children(os.getpid())) - set(own)), *filter(is_living, more)} - set(own):
        living = [pid for pid in found if is_living(pid)]
        ended += [describe(pid) for pid in living]
        send(living, signal.SIGKILL)
        wait_gone(living, KILLED_LIMIT_S)
        reap(found)
        if now_s() > until_s:
            break
    return ended


def describe(pid: int) -> dict[str, Any]:
    """What a process is, for people: its pid, its command line, the addresses on which it listens."""
    import psutil  # only now: most runs leave nothing behind, and the import takes 30 ms

    try:
        command = " ".join(psutil.Process(pid).cmdline())
        ports = [f"{address}:{port}" for address, port in listening.addresses(pid)]
        return {"pid": pid, "command": command, "ports": ports}
    except psutil.Error:
        return {"pid": pid, "command": "(gone)", "ports": []}
