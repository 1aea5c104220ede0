"""Progress while a run goes on: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from harness.report.log import Event

if TYPE_CHECKING:
    from rich.live import Live

REFRESH_S = 0.25


@dataclass
class Running:
    """A scenario under way."""

    name: str
    began_s: float
    step: str = ""


class LineWatcher:
    """A text stream that passes everything on, and knows whether its last line is complete."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_complete = True

    def write(self, text: str) -> int:
        """Write `text`."""
        if text:
            self.is_complete = text.endswith("\n")
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Progress:
    """Takes the events of a run and shows on `stream` how it goes.

    beside: what else is written to the same terminal; then what is done, red and under way stands live below it. None:
    the stream is no terminal, or not the runner's alone; then each verdict is a line."""

    def __init__(
        self, stream: TextIO, beside: LineWatcher | None = None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._beside, self._clock_s = stream, beside, clock_s
        self._names: dict[int, str] = {}
        self._expected_s: dict[int, float] = {}
        self._running: dict[int, Running] = {}
        self._done = self._red = 0
        self._jobs = 1
        self._shown_s = float("-inf")
        self._live: Live | None = None

    @property
    def refresh_s(self) -> float | None:
        """How often, in seconds, it is to be shown so that times go on; None when nothing goes on."""
        return REFRESH_S if self._beside else None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        take = getattr(self, f"_on_{event['event']}", None)
        line = take(event) if take else None
        if line:
            self.hide()
            sys.stdout.flush()
            print(line, file=self._stream, flush=True)

    def _on_run_started(self, event: Event) -> str:
        self._jobs = event["jobs"]
        order = f", order: {event['order']}" if event["order"] != "plan" else ""
        seed = f" (seed {event['seed']})" if event["seed"] is not None else ""
        beside = f", and {event['beside']} that mostly wait beside them" if event.get("beside") else ""
        apart = f"\n{event['isolation']}" if event.get("isolation") else ""
        tested = f"\n{event['told']}" if event.get("told") else ""
        return f"{_scenarios(event['planned'])}, {self._jobs} at a time{beside}{order}{seed}{apart}{tested}"

    def _on_planned(self, event: Event) -> None:
        self._names[event["number"]] = f"{event['location']}  {event['name']}"
        if event["expected_s"] is not None:
            self._expected_s[event["number"]] = event["expected_s"]

    def _on_attempt_started(self, event: Event) -> None:
        self._running[event["number"]] = Running(self._names[event["number"]], self._clock_s())

    def _on_step_started(self, event: Event) -> None:
        self._running[event["number"]].step = event["step"]

    def _on_slow(self, event: Event) -> str:
        name = self._names[event["number"]]
        return f"slow: {name}: {event['after_s']:.0f} s, {event['where']}; it is ended after {event['limit_s']:g} s"

    def _on_watched_died(self, event: Event) -> str:
        return f"{event['name']} (pid {event['pid']}) died: {event['how'] or 'how is not known'}"

    def _on_hook_failed(self, event: Event) -> str:
        return f"error in {event['hook']}: {event['error']}"

    def _on_note(self, event: Event) -> str:
        return str(event["text"])

    def _on_verdict(self, event: Event) -> str | None:
        self._running.pop(event["number"], None)
        self._expected_s.pop(event["number"], None)
        self._done += 1
        self._red += event["verdict"] != "passed"
        if self._beside and event["verdict"] == "passed":
            return None
        name = f"{event['location']}  {event['name']} ({event['duration_s']:.2f} s)"
        return f"[{self._done}/{len(self._names)}] {event['verdict']}: {name}"

    def _on_run_ended(self, _event: Event) -> None:
        self.hide()

    def hide(self) -> None:
        """Take the live state away until the next refresh: somebody else writes to the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self) -> None:
        """Show the state as it is now, unless that was done just now, or somebody is in the middle of a line."""
        now_s = self._clock_s()
        if now_s < self._shown_s + REFRESH_S or self._beside is None or not self._beside.is_complete:
            return
        self._shown_s = now_s
        if self._live is None:
            self._beside.flush()
            self._live = _start_live(self._stream)
        self._live.update("\n".join(self._state(now_s)), refresh=True)

    def _state(self, now_s: float) -> list[str]:
        head = f"{self._done} of {_scenarios(len(self._names))} done, {self._red} red{self._estimate(now_s)}"
        return [
            head,
            *(f"  {now_s - each.began_s:5.1f} s  {each.name}  {each.step}" for each in self._running.values()),
        ]

    def _estimate(self, now_s: float) -> str:
        """Only when the history knows every scenario that is still to come."""
        if len(self._expected_s) < len(self._names) - self._done:
            return ""
        gone_s = sum(min(now_s - each.began_s, self._expected_s[number]) for number, each in self._running.items())
        return f", about {(sum(self._expected_s.values()) - gone_s) / self._jobs:.0f} s to go"


def _scenarios(count: int) -> str:
    return f"{count} scenario{'' if count == 1 else 's'}"


def _start_live(stream: TextIO) -> Live:
    from rich.console import Console  # only now: its import takes longer than many a scenario
    from rich.live import Live

    console = Console(file=stream, force_terminal=True, markup=False, highlight=False, no_color=True, soft_wrap=False)
    # Without its refreshing thread: a fork beside a thread may inherit a lock that nobody opens any more.
    live = Live(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )
    live.start()
    return live
