"""Who takes the processor's time in a run."""

import subprocess
import sys

from harness.bench.parts import Watcher

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_the_time_and_memory_of_the_process_itself_are_the_runners() -> None:
    watcher = Watcher()

    with subprocess.Popen([sys.executable, "-c", BURN]) as process:
        watcher.watch(process.pid)

    assert watcher.parts.cpu_s["runner"] > 0.1
    assert watcher.parts.memory_mb["runner"] > 0
