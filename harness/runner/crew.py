"""The crew: the attempts under way, and the one loop that starts, hears, watches and ends them."""

from __future__ import annotations

import os
import selectors
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.runner import folder, story, tree, verdict
from harness.runner.attempt import MARK
from harness.runner.begin import Live, Shortage, Terms, begin
from harness.runner.events import EventLog
from harness.runner.messages import Message
from harness.runner.monotonic import now_s
from harness.runner.plan import Planned
from harness.runner.signals import Signals
from harness.runner.under_way import Attempt, Outcome
from harness.runner.verdict import Verdict
from harness.runner.watched import Watched

RUN_LIMIT_EXIT_CODE = 124
LONGEST_WAIT_S = 3600.0


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
        live: Live,
    ) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.messages: dict[int, deque[Message]] = {each.number: deque() for each in plan}
        self.durations_s: dict[str, float] = {}
        self.exit_code: int | None = None
        self.refresh_s: float | None = None
        self.refresh: Callable[[], object] = lambda: None
        self._waiting = deque(plan)
        self._under_way: dict[int, Attempt] = {}
        self._terms, self._events, self._signals, self._live = terms, events, ending, live
        self._signals_seen = 0
        self._stop = terms.stop
        self._shortage = Shortage(lambda text: events.emit("note", text=text))
        self._run_until_s = now_s() + (terms.run_limit_s or float("inf"))
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
        self._start_what_is_due()
        self.sweep()
        ready = self._selector.select(self._wait_s())
        for key, _ in sorted(ready, key=lambda each: each[0].data[0]):
            key.data[1]()
        self._look_at_clock()
        self.refresh()

    def _start_what_is_due(self) -> None:
        while self._waiting and self._is_due(self._waiting[0]) and not self._signals.received:
            planned = self._waiting.popleft()
            try:
                self._start(planned)
            except OSError as error:
                if self._shortage.is_worth_waiting(error, len(self._under_way)):
                    self._waiting.appendleft(planned)
                    return
                self._refuse(planned, Verdict(verdict.ERROR, f"it could not be begun: {error}"))
            else:
                self._shortage.is_over()

    def _is_due(self, planned: Planned) -> bool:
        """Whether it may be begun beside those that are under way."""
        tag = self._terms.waiting_tag
        busy = [each for each in self._under_way.values() if not each.planned.waits(tag)]
        return planned.waits(tag) or len(busy) < self._terms.jobs

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
        tree.end_adopted(self._own(), lambda _: True, [])
        self._selector.close()

    def _refuse(self, planned: Planned, final: Verdict) -> None:
        self.outcomes[planned.number] = Outcome(final, begun=False)
        steps = {"untested": len(list(planned.scenario.all_steps))}
        self._tell_verdict(planned, final, duration_s=0.0, steps=steps, left=[], logs={}, directory=None)

    def _start(self, planned: Planned) -> None:
        under_way = begin(planned, self._terms, self._live)
        self._under_way[planned.number] = under_way
        self._selector.register(under_way.channel, selectors.EVENT_READ, (2, lambda: self._on_message(under_way)))
        self._selector.register(under_way.process, selectors.EVENT_READ, (3, lambda: self._on_end(under_way)))
        self._events.emit("attempt_started", number=planned.number, pid=under_way.pid)

    def _wait_s(self) -> float:
        if not self._under_way:
            return self._shortage.pause_s
        next_look_s = min([self._run_until_s, *(each.next_look_s for each in self._under_way.values())])
        wait_s = min(LONGEST_WAIT_S, max(0.0, next_look_s - now_s()))
        return wait_s if self.refresh_s is None else min(wait_s, self.refresh_s)

    def _look_at_clock(self) -> None:
        seen_s = now_s()
        if seen_s >= self._run_until_s and self.exit_code is None:
            self.exit_code = RUN_LIMIT_EXIT_CODE
            reason = f"the run took longer than its limit of {self._terms.run_limit_s:g} s"
            self._end_run(verdict.TIMEOUT, reason)
        for each in self._under_way.values():
            if each.next_look_s <= seen_s and each.cut is None and each.limit_s is not None:
                if each.is_slow:
                    each.cut_short(Verdict(verdict.TIMEOUT, f"no end after {each.limit_s:g} s, {each.where}"), seen_s)
                else:
                    each.is_slow = True
                    self._tell("slow", each, where=each.where, after_s=seen_s - each.began_s, limit_s=each.limit_s)
            each.strike(seen_s)

    def _end_run(self, word: str, reason: str) -> None:
        """End what is under way with the verdict `word`; what is not begun is not run."""
        self.refuse(Verdict(verdict.NOT_RUN, reason))
        for each in self._under_way.values():
            self._hear(each)  # or it would not be known where it is
            each.cut_short(Verdict(word, f"{reason}, {each.where}"), now_s())
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
        if not self._hear(under_way):
            self._selector.unregister(under_way.channel)

    def _hear(self, under_way: Attempt) -> bool:
        """Take what the attempt has told; returns whether there may be more. One that tells what is no message is
        ended: nothing that it might still say could be believed."""
        try:
            for message in under_way.hear():
                self._take(under_way, message)
        except EOFError:
            return False
        except Exception as error:
            under_way.cut_short(Verdict(verdict.ERROR, f"{verdict.in_words(error)}, {under_way.where}"), now_s())
            return False
        return True

    def _take(self, under_way: Attempt, message: Message) -> None:
        self.messages[under_way.planned.number].append(message)
        if message["do"] == "match":
            self._tell("step_started", under_way, step=message["text"], line=message["line"])
        elif message["do"] == "result":
            fields = {key: message[key] for key in ("line", "status", "duration_s", "error_message", "proven")}
            self._tell("step_ended", under_way, step=message["text"], **fields)

    def _on_end(self, under_way: Attempt) -> None:
        """Whatever is odd about one attempt makes that one red, and harms no other."""
        self._hear(under_way)
        for descriptor in (under_way.channel, under_way.process):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        del self._under_way[under_way.planned.number]
        wait_status = under_way.close()
        left: list[dict[str, Any]] = []
        try:
            final = self._judge(under_way, wait_status, left)
            found = self._look_at_what_is_left(under_way, final)
        except Exception as error:
            final = Verdict(
                verdict.ERROR, f"what came of it cannot be told: {verdict.in_words(error)}, {under_way.where}"
            )
            found = {"logs": {}, "directory": str(under_way.setting.directory), "steps": {}}
        self._conclude(under_way, final, left=left, **found)
        told = under_way.told
        self._stop = self._stop or bool(told and told.get("stop"))
        if told and told.get("aborted") and under_way.cut is None:
            self.refuse(Verdict(verdict.NOT_RUN, f"the run was aborted by {under_way.planned.location}"))
        elif final.red and self._stop:
            self.refuse(Verdict(verdict.NOT_RUN, "stopped after the first red scenario (--stop)"))

    def _judge(self, under_way: Attempt, wait_status: int | None, left: list[dict[str, Any]]) -> Verdict:
        """The verdict on an attempt. left: gets what it has left behind."""
        told = under_way.told
        has_told = told is not None and wait_status == 0
        left += self._end_orphans_of(under_way, has_cleaned_up=has_told)
        left[:0] = told["left"] if told else []
        own = Verdict(str(told["verdict"]), str(told["reason"])) if told else None
        return verdict.judge(own, cut=under_way.cut, wait_status=wait_status, where=under_way.where, left=left)

    def _look_at_what_is_left(self, under_way: Attempt, final: Verdict) -> dict[str, Any]:
        """What there is to be told of an attempt beside its verdict; its directory is kept when it is red and has left
        something there."""
        directory = under_way.setting.directory
        is_kept = final.word != verdict.PASSED and directory.is_dir() and any(directory.iterdir())
        if not is_kept:
            self._to_remove.append(directory)
        return {
            "steps": under_way.count_steps(),
            "logs": folder.tails(directory) if is_kept else {},
            "directory": str(directory) if is_kept else None,
        }

    def _conclude(self, under_way: Attempt, final: Verdict, **found: Any) -> None:
        planned = under_way.planned
        duration_s = now_s() - under_way.began_s
        told = story.of_attempt(under_way, final, lambda text: self._events.emit("note", text=text))
        final = replace(final, story=told)
        self.outcomes[planned.number] = Outcome(final, True, under_way.told, under_way.setting.output)
        if final.word == verdict.PASSED:
            self.durations_s[planned.key] = duration_s
        self._tell_verdict(planned, final, duration_s=duration_s, **found)

    def _end_orphans_of(self, ended: Attempt, *, has_cleaned_up: bool) -> list[dict[str, Any]]:
        """End what this attempt, which is no more, has left, and describe it. Nobody else's: another one's orphans are
        there, too, when that has died a moment ago."""
        marked = [] if has_cleaned_up else tree.marked(tree.pids(), f"{MARK}={ended.setting.name}")
        return tree.end_adopted(self._own(), lambda pid: tree.sign_of(pid) == ended.setting.sign, marked)

    def _own(self) -> set[int]:
        return {*self._own_children, *(each.pid for each in self._under_way.values())}

    def _tell_verdict(self, planned: Planned, final: Verdict, **fields: Any) -> None:
        self._events.emit(
            "verdict",
            number=planned.number,
            location=planned.location,
            feature=planned.feature.filename,
            name=planned.scenario.name,
            verdict=final.word,
            reason=final.reason,
            story=final.story,
            again=self._terms.again(planned.location),
            key=planned.key,
            standing=self._terms.known.standing(planned, final),
            note=self._terms.known.note(planned),
            **fields,
        )

    def _tell(self, event: str, under_way: Attempt, **fields: Any) -> None:
        self._events.emit(event, number=under_way.planned.number, **fields)
