"""What befalls programs in the middle of an inference: at a token, while the stage's clock stands."""

from __future__ import annotations

import signal

from harness.acts import arrange
from harness.stage import Stage


def kill_worker(stage: Stage, node: str, count: int, after: int) -> None:
    """The user asks `node`, where a worker is idle, for `count` tokens; when `after` of them have passed the network,
    the worker gets SIGKILL.

    Returns when the user's program has ended; raises as Stage does."""
    worker = stage.evidence.process("llm-worker-rbee", node)  # beforehand: in real time tokens do not wait for a look
    keeper = _asked_until(stage, node, count, after)
    stage.signal(worker.pid, signal.SIGKILL)
    stage.flow({"exit": keeper})


def press_ctrl_c(stage: Stage, node: str, count: int, after: int) -> None:
    """The user asks `node` for `count` tokens, and presses Ctrl+C when `after` of them have passed the network.

    Returns when the user's program has ended; raises as Stage does."""
    keeper = _asked_until(stage, node, count, after)
    stage.signal(keeper, signal.SIGINT)
    stage.flow({"exit": keeper})


def _asked_until(stage: Stage, node: str, count: int, after: int) -> int:
    """The user asks `node` for `count` tokens, and `after` of them have passed the network. The pid of the user's
    program."""
    return stage.start_until(arrange.infer(node, max_tokens=count), {"event": arrange.TOKEN, "count": after})
