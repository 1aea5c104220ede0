"""Who takes the processor's time in a run."""

import subprocess
import sys

import psutil
import pytest

from harness.bench.parts import OTHERS, Watcher

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_the_time_and_memory_of_the_process_itself_are_the_runners() -> None:
    watcher = Watcher()

    with subprocess.Popen([sys.executable, "-c", BURN]) as process:
        watcher.watch(process.pid)

    assert watcher.parts.cpu_s["runner"] > 0.1
    assert watcher.parts.memory_mb["runner"] > 0


def test_who_ends_just_now_is_still_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    argv = [sys.executable, "-c", "print(flush=True); input()", "harness.world"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # before, it may not have its command line yet
        world, runner = psutil.Process(process.pid), psutil.Process()
        watcher._look(world, runner)
        monkeypatch.setattr(psutil.Process, "cmdline", lambda _: [])
        watcher._look(world, runner)
        process.communicate(b"\n")

    assert list(watcher.parts.cpu_s) == [OTHERS, "world"]
    assert watcher.parts.cpu_s[OTHERS] == 0
