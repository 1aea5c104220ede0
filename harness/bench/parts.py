"""Who takes the processor's time in a run, and how much memory the runner and the world have at most."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from dataclasses import dataclass, field

import psutil

EVERY_S = 0.05
STAND_INS = {"rbee-keeper": "keeper", "queen-rbee": "queen", "rbee-hive": "hive", "llm-worker-rbee": "worker"}
OTHERS = "shells, launchers, tools"


@dataclass
class Parts:
    """Processor seconds by part of the harness or program, and the greatest memory in MB of those that stay."""

    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    memory_mb: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Watcher:
    """Looks at a process and all below it, again and again, until it has ended. What a process does between the last
    look at it and its end is not seen."""

    def __init__(self) -> None:
        self.parts = Parts()
        self._seen: dict[psutil.Process, tuple[str, float]] = {}

    def follow(self, pid: int) -> None:
        """Watch in the background."""
        threading.Thread(target=self.watch, args=(pid,), daemon=True).start()

    def watch(self, pid: int) -> None:
        """Look until the process has ended."""
        runner = psutil.Process(pid)
        pause = threading.Event()
        with contextlib.suppress(psutil.NoSuchProcess):
            while runner.status() != psutil.STATUS_ZOMBIE:
                for process in [runner, *runner.children(recursive=True)]:
                    self._look(process, runner)
                pause.wait(EVERY_S)

    def _look(self, process: psutil.Process, runner: psutil.Process) -> None:
        try:
            with process.oneshot():
                times = process.cpu_times()
                known_part, known_s = self._seen.get(process, (OTHERS, 0.0))
                part = _part(process, runner) or known_part
                memory_mb = process.memory_info().rss // 2**20
        except psutil.Error:
            return
        self.parts.cpu_s[known_part] -= known_s
        self.parts.cpu_s[part] += times.user + times.system
        self._seen[process] = part, times.user + times.system
        if part in ("runner", "world", "warm parent"):
            self.parts.memory_mb[part] = max(self.parts.memory_mb[part], memory_mb)


def _part(process: psutil.Process, runner: psutil.Process) -> str | None:
    """What a process belongs to; None of one that ends just now, and has no command line any more."""
    argv = process.cmdline()
    if not argv:
        return None
    if process == runner:
        return "runner"
    if "harness.world" in argv:
        return "world"
    if "mocks.common.warm" in argv or process.name() == "warm parent":
        return "warm parent"
    own = runner.cmdline()
    return STAND_INS.get(process.name(), "attempts" if argv == own else OTHERS)
