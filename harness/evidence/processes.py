"""The living processes of a stage, as the operating system shows them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from harness import listening
from harness.world.named import program_of

MARK = "RBEE_BDD_STAGE"  # every program of a stage has it in its environment, and hands it on
HOST = b"RBEE_NODE_HOST"
ENVIRON_BYTES = 1 << 16  # as much as is read: what a stage's programs have is a hundredth of it


@dataclass(frozen=True)
class Living:
    """A living process: its command line, the program that it runs, and where it runs."""

    pid: int
    argv: tuple[str, ...]
    program: str
    host: str
    parent: int

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}: {' '.join(self.argv)}"

    def option(self, name: str) -> str | None:
        """The value of the option `name` (with its dashes) on the command line; None when it is not there."""
        return next((value for flag, value in zip(self.argv, self.argv[1:], strict=False) if flag == name), None)

    def ports(self) -> set[int]:
        """The TCP ports at which it listens."""
        return {port for _, port in listening.addresses(self.pid)}


def living(mark: str, started_by: Mapping[int, int]) -> list[Living]:
    """The processes that carry the stage's `mark`, oldest first. One that ends while it is looked at is left out.

    `started_by` says of a fork that a launcher stands for who started that: it counts as the fork's parent."""
    found = []
    wanted = os.fsencode(f"{MARK}={mark}")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            environ = _environ(pid)  # of all: psutil would take six times as long
            if wanted in environ and wanted in (variables := environ.split(b"\0")):
                found.append(_seen(psutil.Process(int(pid)), variables, started_by))
    return [seen for _, seen in sorted(found, key=lambda pair: (pair[0], pair[1].pid))]


def _environ(pid: str) -> bytes:
    file = os.open(f"/proc/{pid}/environ", os.O_RDONLY)
    try:
        return os.read(file, ENVIRON_BYTES)
    finally:
        os.close(file)


def _seen(process: psutil.Process, environ: list[bytes], started_by: Mapping[int, int]) -> tuple[float, Living]:
    """A process, and when it began. Raises NoSuchProcess when it has ended."""
    with process.oneshot():
        argv = process.cmdline()
        host = next((value for name, _, value in (each.partition(b"=") for each in environ) if name == HOST), b"")
        parent = started_by.get(process.pid) or process.ppid()
        return process.create_time(), Living(process.pid, tuple(argv), program_of(argv), os.fsdecode(host), parent)
