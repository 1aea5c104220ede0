"""How many Then steps a run with `-D prove=yes` has proven: each can fail for want of what it asks for."""

from __future__ import annotations

from harness.report.log import Event


class Proven:
    """Takes the events of a run, and counts.

    asked: whether the run proves. total: Then steps of the planned scenarios. proven: those that were."""

    def __init__(self) -> None:
        self.asked = False
        self.total = 0
        self.proven = 0

    def __call__(self, event: Event) -> None:
        """Take one event."""
        kind = event["event"]
        if kind == "run_started":
            self.asked = event["prove"]
        elif kind == "planned":
            self.total += event["thens"]
        elif kind == "step_ended":
            self.proven += event["proven"] is True

    def __str__(self) -> str:
        return f"{self.proven} of {self.total} Then steps proven"
