"""What ends on a stage, or stops: the queen, a hive, a worker. Raises StageError when it does not come about."""

from __future__ import annotations

import signal

from harness import one_worker
from harness.stage import Stage


def worker_stops_dead(stage: Stage, worker_id: str) -> None:
    """The worker is stopped (SIGSTOP): it is there, and does nothing more."""
    for worker in one_worker.living(stage.evidence, worker_id):
        stage.signal(worker.pid, signal.SIGSTOP)


def hive_is_terminated(stage: Stage) -> None:
    """The hive that the operator started gets SIGTERM; time flows until it has ended."""
    pid = stage.evidence.run("rbee-hive").pid
    stage.signal(pid, signal.SIGTERM)
    stage.flow({"exit": pid})
