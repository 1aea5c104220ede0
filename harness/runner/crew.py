"""The crew: the attempts under way, and the one loop that starts, hears, watches and ends them."""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from harness.runner import folder, signals, story, tree, verdict
from harness.runner.attempt import MARK, Setting
from harness.runner.events import EventLog
from harness.runner.messages import Message
from harness.runner.plan import Planned
from harness.runner.signals import Signals
from harness.runner.under_way import Attempt
from harness.runner.verdict import Verdict
from harness.runner.watched import Watched

RUN_LIMIT_EXIT_CODE = 124


@dataclass(frozen=True)
class Terms:
    """What the crew works to.

    run: the run's name. directory: its folder. jobs: attempts at the same time. limit_s, run_limit_s: for a scenario
    and for all, None for no limit. stop: start nothing more after the first red one. attached, live: the attempts are
    in the terminal's session; they write to the terminal. again: location → the command that repeats it."""

    run: str
    directory: Path
    jobs: int
    limit_s: float | None
    run_limit_s: float | None
    stop: bool
    attached: bool
    live: bool
    again: Callable[[str], str]


@dataclass(frozen=True)
class Outcome:
    """How a planned scenario came to its verdict. told: the attempt's last message. output: the file with what it wrote
    past behave's capture; None where it was not begun, or wrote to the terminal."""

    verdict: Verdict
    begun: bool
    told: Message | None = None
    output: Path | None = None


class Crew:
    """Carries out a plan, as far as it comes, in turns: each waits until something happens.

    outcomes: by the number of the scenario. messages: what each attempt has told that nobody has taken yet. exit_code:
    of a run that was ended from outside, else None."""

    def __init__(
        self,
        plan: Sequence[Planned],
        terms: Terms,
        events: EventLog,
        ending: Signals,
        live: Callable[[Planned, Setting, socket.socket], NoReturn],
    ) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.messages: dict[int, deque[Message]] = {each.number: deque() for each in plan}
        self.durations_s: dict[str, float] = {}
        self.exit_code: int | None = None
        self.refresh: tuple[float, Callable[[], None]] | None = None
        self._waiting = deque(plan)
        self._under_way: dict[int, Attempt] = {}
        self._terms, self._events, self._signals, self._live = terms, events, ending, live
        self._signals_seen = 0
        self._run_until_s = time.monotonic() + (terms.run_limit_s or float("inf"))
        self._to_remove: list[Path] = []
        self._own_children = set(tree.children(os.getpid()))
        # poll, not epoll: a forked attempt that closes its copy of an epoll would make the runner deaf.
        self._selector = selectors.PollSelector()
        self._selector.register(ending.descriptor, selectors.EVENT_READ, (1, self._on_signal))

    def watch(self, watched: Watched) -> None:
        """End the run when this process dies."""
        try:
            process = os.pidfd_open(watched.pid)
        except ProcessLookupError:  # whoever started it has seen it die
            self._end_without(watched)
            return
        self._selector.register(process, selectors.EVENT_READ, (0, lambda: self._on_death(process, watched)))

    def turn(self) -> None:
        """Start what is due, then wait until something happens, and see to it."""
        while self._waiting and len(self._under_way) < self._terms.jobs and not self._signals.received:
            planned = self._waiting.popleft()
            try:
                self._start(planned)
            except OSError as error:
                self._refuse(planned, Verdict(verdict.ERROR, f"it could not be begun: {error}"))
        self.sweep()
        ready = self._selector.select(self._wait_s())
        for key, _ in sorted(ready, key=lambda each: each[0].data[0]):
            key.data[1]()
        self._look_at_clock()
        if self.refresh is not None:
            self.refresh[1]()

    def refuse(self, final: Verdict) -> None:
        """Give this verdict to all that are not begun."""
        while self._waiting:
            self._refuse(self._waiting.popleft(), final)

    def sweep(self) -> None:
        """Remove the directories of green attempts. Apart, since the next attempt need not wait for it."""
        for directory in self._to_remove:
            shutil.rmtree(directory, ignore_errors=True)
        self._to_remove.clear()

    def acknowledge(self, number: int) -> None:
        """The last message of this attempt has been shown."""
        if number in self._under_way:
            self._under_way[number].acknowledge()

    def close(self) -> None:
        """End whatever is still under way; only where the runner itself fails is there anything."""
        for under_way in self._under_way.values():
            tree.kill(under_way.pid)
            under_way.close()
        self._end_orphans()
        self._selector.close()

    def _refuse(self, planned: Planned, final: Verdict) -> None:
        self.outcomes[planned.number] = Outcome(final, begun=False)
        steps = {"untested": len(list(planned.scenario.all_steps))}
        self._tell_verdict(planned, final, story=None, duration_s=0.0, steps=steps, left=[], logs={}, directory=None)

    def _start(self, planned: Planned) -> None:
        terms = self._terms
        directory = terms.directory / str(planned.number)
        directory.mkdir()
        output = None if terms.live else directory.with_suffix(".txt")
        setting = Setting(f"{terms.run}.{planned.number}", directory, output, terms.attached)
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        with signals.kept():  # the child lets them in when it is ready for them
            pid = os.fork()
            if pid == 0:
                ours.close()
                self._live(planned, setting, theirs)
        theirs.close()
        ours.setblocking(False)
        under_way = Attempt(planned, setting, pid, os.pidfd_open(pid), ours, time.monotonic(), terms.limit_s)
        self._under_way[planned.number] = under_way
        self._selector.register(ours, selectors.EVENT_READ, (2, lambda: self._on_message(under_way)))
        self._selector.register(under_way.process, selectors.EVENT_READ, (3, lambda: self._on_end(under_way)))
        self._events.emit("attempt_started", number=planned.number, pid=pid)

    def _wait_s(self) -> float | None:
        if not self._under_way:
            return 0.0
        next_look_s = min([self._run_until_s, *(each.next_look_s for each in self._under_way.values())])
        wait_s = max(0.0, next_look_s - time.monotonic())
        if self.refresh is not None:
            wait_s = min(wait_s, self.refresh[0])
        return None if wait_s == float("inf") else wait_s

    def _look_at_clock(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._run_until_s and self.exit_code is None:
            self.exit_code = RUN_LIMIT_EXIT_CODE
            reason = f"the run took longer than its limit of {self._terms.run_limit_s:g} s"
            self._end_run(verdict.TIMEOUT, reason)
        for each in self._under_way.values():
            if each.next_look_s <= now_s and each.cut is None and each.limit_s is not None:
                if each.is_slow:
                    each.cut_short(Verdict(verdict.TIMEOUT, f"no end after {each.limit_s:g} s, {each.where}"), now_s)
                else:
                    each.is_slow = True
                    self._tell("slow", each, where=each.where, after_s=now_s - each.began_s, limit_s=each.limit_s)
            each.strike(now_s)

    def _end_run(self, word: str, reason: str) -> None:
        """End what is under way with the verdict `word`; what is not begun is not run."""
        self.refuse(Verdict(verdict.NOT_RUN, reason))
        for each in self._under_way.values():
            with suppress(EOFError):
                self._hear(each)  # or it would not be known where it is
            each.cut_short(Verdict(word, f"{reason}, {each.where}"), time.monotonic())
        self._run_until_s = float("inf")

    def _on_signal(self) -> None:
        self._signals.drain()
        received = self._signals.received
        for number in received[self._signals_seen :]:
            if self._signals_seen == 0:
                self.exit_code = 128 + number
                self._end_run(verdict.ERROR, f"the run was ended by {number.name}")
            else:
                for each in self._under_way.values():
                    each.hurry()
            self._signals_seen += 1

    def _on_death(self, process: int, watched: Watched) -> None:
        self._selector.unregister(process)
        self._end_without(watched)

    def _end_without(self, watched: Watched) -> None:
        how = watched.how_it_died()
        self._events.emit("watched_died", name=watched.name, pid=watched.pid, how=how)
        self._end_run(verdict.ERROR, f"{watched.name} (pid {watched.pid}) died{how and ': '}{how}")

    def _on_message(self, under_way: Attempt) -> None:
        try:
            self._hear(under_way)
        except EOFError:
            self._selector.unregister(under_way.channel)

    def _hear(self, under_way: Attempt) -> None:
        for message in under_way.hear():
            self.messages[under_way.planned.number].append(message)
            if message["do"] == "match":
                self._tell("step_started", under_way, step=message["text"], line=message["line"])
            elif message["do"] == "result":
                fields = {key: message[key] for key in ("line", "status", "duration_s", "error_message", "proven")}
                self._tell("step_ended", under_way, step=message["text"], **fields)

    def _on_end(self, under_way: Attempt) -> None:
        self._on_last_words(under_way)
        del self._under_way[under_way.planned.number]
        self._selector.unregister(under_way.process)
        wait_status = under_way.close()
        told = under_way.told
        left = [*(told["left"] if told else []), *self._end_orphans(None if told else under_way)]
        own = Verdict(told["verdict"], told["reason"]) if told else None
        final = verdict.judge(own, cut=under_way.cut, wait_status=wait_status, where=under_way.where, left=left)
        self._conclude(under_way, final, left)
        if told and told["aborted"] and under_way.cut is None:
            self.refuse(Verdict(verdict.NOT_RUN, f"the run was aborted by {under_way.planned.location}"))
        elif final.red and self._terms.stop:
            self.refuse(Verdict(verdict.NOT_RUN, "stopped after the first red scenario (--stop)"))

    def _on_last_words(self, under_way: Attempt) -> None:
        with suppress(EOFError):
            self._hear(under_way)
        if under_way.channel in self._selector.get_map():
            self._selector.unregister(under_way.channel)

    def _conclude(self, under_way: Attempt, final: Verdict, left: Sequence[dict[str, Any]]) -> None:
        planned, setting = under_way.planned, under_way.setting
        duration_s = time.monotonic() - under_way.began_s
        self.outcomes[planned.number] = Outcome(final, True, under_way.told, setting.output)
        is_kept = final.word != verdict.PASSED and any(setting.directory.iterdir())
        if not is_kept:
            self._to_remove.append(setting.directory)
        if final.word == verdict.PASSED:
            self.durations_s[planned.key] = duration_s
        self._tell_verdict(
            planned,
            final,
            story=story.of_attempt(under_way, final, lambda text: self._events.emit("note", text=text)),
            duration_s=duration_s,
            steps=under_way.count_steps(),
            left=left,
            logs=folder.tails(setting.directory) if is_kept else {},
            directory=str(setting.directory) if is_kept else None,
        )

    def _end_orphans(self, killed: Attempt | None = None) -> list[dict[str, Any]]:
        """End what attempts that are no more have left, and describe it. killed: one that could not do so itself."""
        own = {*self._own_children, *(each.pid for each in self._under_way.values())}
        marked = tree.marked(tree.pids(), f"{MARK}={killed.setting.name}") if killed is not None else []
        return tree.end_adopted(own, marked)

    def _tell_verdict(self, planned: Planned, final: Verdict, **fields: Any) -> None:
        self._events.emit(
            "verdict",
            number=planned.number,
            location=planned.location,
            feature=planned.feature.filename,
            name=planned.scenario.name,
            verdict=final.word,
            reason=final.reason,
            again=self._terms.again(planned.location),
            **fields,
        )

    def _tell(self, event: str, under_way: Attempt, **fields: Any) -> None:
        self._events.emit(event, number=under_way.planned.number, **fields)
