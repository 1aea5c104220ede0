"""What ends on a stage, or stops: the queen, a hive, a worker. Raises StageError when it does not come about."""

from __future__ import annotations

import signal

from harness.checks import lives, one_worker
from harness.stage import Stage, StageError


def worker_stops_dead(stage: Stage, worker_id: str) -> None:
    """The worker is stopped (SIGSTOP): it is there, and does nothing more."""
    for worker in one_worker.living(stage.evidence, worker_id):
        stage.signal(worker.pid, signal.SIGSTOP)


def hive_is_terminated(stage: Stage) -> None:
    """The hive that the operator started gets SIGTERM; time flows until it has ended."""
    pid = stage.evidence.run("rbee-hive").pid
    stage.signal(pid, signal.SIGTERM)
    stage.flow({"exit": pid})


def nothing_runs(stage: Stage) -> None:
    """The queen that the background found has ended, and neither she nor a hive or a worker runs on any node."""
    pid = stage.evidence.run("queen-rbee").pid
    stage.signal(pid, signal.SIGTERM)
    stage.flow({"exit": pid})
    if left := lives.daemons(stage.evidence):
        raise StageError(f"the queen was ended, and still there are {', '.join(map(str, left))}")


def user_presses_ctrl_c(stage: Stage) -> None:
    """The user's program that was started last gets SIGINT; time flows until it has ended."""
    pid = stage.evidence.run().pid
    stage.signal(pid, signal.SIGINT)
    stage.flow({"exit": pid})
