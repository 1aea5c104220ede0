"""One run, from its folder to the last word about it."""

from __future__ import annotations

import functools
import gc
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from behave.reporter.junit import JUnitReporter  # type: ignore[import-untyped]
from behave.reporter.summary import AbstractSummaryReporter  # type: ignore[import-untyped]

from harness.report.progress import LineWatcher, Progress
from harness.report.summary import Summary
from harness.runner import (
    attempt,
    declared,
    events,
    folder,
    guarded,
    history,
    known,
    loading,
    options,
    plan,
    process_settings,
    tree,
    verdict,
    watched,
)
from harness.runner.begin import Terms
from harness.runner.crew import Crew
from harness.runner.feed import Feed
from harness.runner.guarded import Guarded
from harness.runner.guardian import Guardian
from harness.runner.junit import VerdictJUnit
from harness.runner.known import Known
from harness.runner.monotonic import now_s
from harness.runner.options import Options
from harness.runner.plan import Plan, Planned
from harness.runner.signals import Signals, time_limit
from harness.runner.verdict import Verdict

READ_BY_PROGRAMS = ("json", "rerun")


class Run:
    """A run of `planned` by behave's `runner`. signals: those that end it."""

    def __init__(self, runner: Any, planned: Plan, chosen: Options, signals: Signals) -> None:
        self._runner, self._config = runner, runner.config
        self._plan, self._options, self._signals = planned, chosen, signals
        self._known = known.read(chosen.known) if chosen.known else Known({})
        self._config.stop = False  # it is the crew that stops; what was begun is reported in full
        self._name = os.urandom(4).hex()
        self._had_folder = chosen.run_dir is not None and chosen.run_dir.exists()
        self._directory = folder.create(chosen.run_dir, self._name, chosen.programs_bytes)
        self._is_live = not self._config.should_capture()
        is_alone = self._is_live and len(planned.planned) == 1 and sys.stdin.isatty() and sys.stdout.isatty()
        self._is_attached = chosen.pause or is_alone
        self._own_settings = process_settings.plain()
        self._user_settings = process_settings.current()
        self._progress = Guarded(Progress(sys.stderr, self._beside()), "the progress", self._note)
        listeners = [self._progress, *self._summary()]
        self._events = events.EventLog(self._directory / folder.EVENT_LOG, listeners)
        self._verdicts: dict[int, Verdict] = {}
        self._problems = 0

    def _beside(self) -> LineWatcher | None:
        """What the live progress stands beside; None where it has no terminal for itself."""
        if self._is_live:
            with suppress(AttributeError):  # a stream of the user's own
                sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        if self._is_live or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
            return None
        return sys.stdout if isinstance(sys.stdout, LineWatcher) else None

    def _summary(self) -> list[Guarded]:
        # Behind a report that a program reads, it would be no part of that.
        named = [output for output in self._config.outputs if output.name is not None]
        is_read = any(name.startswith(READ_BY_PROGRAMS) for name in self._config.format[len(named) :])
        stream = sys.stderr if is_read else sys.stdout
        return [Guarded(Summary(stream), "the summary", self._note_problem)] if self._config.summary else []

    def carry_out(self) -> int:
        """Run it; returns the exit code. Raises WrongUse when a hook finds it, or when steps cannot be loaded; then
        nothing was run, and nothing is left."""
        began_s = now_s()
        if self._options.run_dir is None:
            folder.prune(os.getcwd())
        self._config.userdata["run_dir"] = str(self._directory)
        kept = history.place(self._runner.base_dir, os.environ)
        order = self._tell_plan(history.load(kept))
        try:
            with self._signals.raising(False):
                crew = self._work(order)
        except options.WrongUse:
            self._events.close()
            folder.discard(self._directory, was_there=self._had_folder)
            raise
        for closing in [each.close for each in self._runner.formatters] + [each.end for each in self._config.reporters]:
            closing()
        self._keep_durations(kept, crew.durations_s)
        return self._tell_end(crew, now_s() - began_s)

    def _work(self, order: Sequence[Planned]) -> Crew:
        """The run with its hooks for all."""
        tree.adopt_orphans()  # those of an attempt, or of a watched process, that dies
        guardian = Guardian()
        self._runner.formatters = guarded.formatters(self._runner, self._note_problem)
        try:
            problem = self._call("before_all", self._hook("before_all"))
            if not problem:
                declared.check(self._config)
            watching = watched.take()
            for each in watching:
                guardian.entrust(each.pid)
            self._load_steps()  # while that comes up which before_all has started
            self._set_up_reporters()
            return self._attempt(order, guardian, watching, problem)
        finally:
            self._call("after_all", self._hook("after_all"))
            self._call("cleanup of the run", self._runner.context._do_remaining_cleanups)
            guardian.dismiss()

    def _load_steps(self) -> None:
        """Load the steps. A signal breaks that off; then nothing will be begun."""
        with suppress(KeyboardInterrupt), self._signals.raising(True):
            if not self._signals.received:
                loading.load_steps(self._runner)

    def _set_up_reporters(self) -> None:
        """behave's reporters, and those of hooks, but for the summary, which does not know all verdicts."""
        self._config.reporters[:] = [
            Guarded(self._reporter(each), f"the reporter {type(each).__name__}", self._note_problem, always=("end",))
            for each in self._config.reporters
            if not isinstance(each, AbstractSummaryReporter)
        ]

    def _reporter(self, reporter: Any) -> Any:
        is_junit = isinstance(reporter, JUnitReporter)
        return VerdictJUnit(self._config, self._verdicts) if is_junit else reporter

    def _attempt(
        self, order: Sequence[Planned], guardian: Guardian, watching: Sequence[watched.Watched], problem: str
    ) -> Crew:
        """The run between the hooks for all. problem: what went wrong with the first of them."""
        live = functools.partial(attempt.live, self._runner, guardian)
        crew = Crew(order, self._terms(), self._events, self._signals, live)
        try:
            for each in watching:
                crew.watch(each)
            if problem and not self._signals.received:
                crew.refuse(Verdict(verdict.ERROR, f"before_all failed: {problem}"))
            self._feed(crew)
        finally:
            crew.close()
        return crew

    def _feed(self, crew: Crew) -> None:
        gc.freeze()  # a collection in an attempt would otherwise copy the pages of everything that is loaded
        crew.refresh_s, crew.refresh = self._progress.refresh_s, self._progress.show
        feed = Feed(
            self._runner,
            crew,
            at_once=self._options.jobs == 1,
            make_way=self._progress.hide,
            failed=self._note_problem,
            verdicts=self._verdicts,
        )
        if self._signals.received:
            crew.turn()  # it will not start anything
        for feature in self._runner.features:
            feed.feature(feature, [each for each in self._plan.planned if each.feature is feature])
        crew.sweep()
        if any(outcome.verdict.red for outcome in crew.outcomes.values()):
            self._runner.context._set_root_attribute("failed", True)  # for after_all

    def _terms(self) -> Terms:
        # Read again: before_all may know better than the command line how long a scenario takes.
        limit_s = options.seconds(self._config.userdata, "limit_s", options.LIMIT_S)
        return Terms(
            run=self._name,
            directory=self._directory,
            jobs=self._options.jobs,
            waiting_tag=self._options.waiting_tag,
            limit_s=None if self._is_attached else limit_s,
            run_limit_s=None if self._is_attached else self._options.run_limit_s,
            stop=self._options.stop,
            attached=self._is_attached,
            live=self._is_live,
            process=self._user_settings,
            again=functools.partial(options.repeat_command, self._config),
            known=self._known,
        )

    def _hook(self, name: str) -> Callable[[], object]:
        hook = self._runner.hooks.get(name)
        return functools.partial(hook, self._runner.context) if hook else lambda: None

    def _call(self, name: str, hook: Callable[[], object]) -> str:
        """Call a hook of the user's in this process; returns what went wrong with it, as a text. A hook that finds
        wrong use says so with WrongUse, which passes. What it changes for the process is for the user's code alone."""
        self._user_settings.apply()
        try:
            with (
                time_limit(self._options.limit_s),
                self._runner.context.use_with_user_mode(),
                self._signals.raising(True),
            ):
                hook()
        except options.WrongUse:
            raise
        except BaseException as error:  # SystemExit, too
            return self._note_problem(name, error)
        finally:
            self._user_settings = process_settings.current()
            self._own_settings.apply()
            self._signals.install()
        return ""

    def _note_problem(self, where: str, error: BaseException) -> str:
        """Something that is not a scenario's fails, and makes the run red; returns it as a text."""
        self._problems += 1
        problem = verdict.in_words(error)
        # Where a signal has met the user's code is of no interest.
        where_it_was = "" if isinstance(error, KeyboardInterrupt) else "".join(traceback.format_exception(error))
        self._events.emit("hook_failed", hook=where, error=problem, traceback=where_it_was)
        return problem

    def _note(self, what: str, error: BaseException) -> None:
        self._events.emit("note", text=f"{what} is not shown any more: {verdict.in_words(error)}")

    def _tell_plan(self, durations_s: Mapping[str, float]) -> list[Planned]:
        """Tell the plan; returns the scenarios in the order in which they are begun."""
        chosen = self._options
        order = plan.in_order(self._plan.planned, chosen.order, chosen.seed, durations_s, chosen.waiting_tag)
        self._events.emit(
            "run_started",
            schema=events.SCHEMA_VERSION,
            run=self._name,
            utc=datetime.now(UTC).isoformat(timespec="seconds"),
            argv=sys.argv,
            cwd=os.getcwd(),
            run_dir=str(self._directory),
            planned=len(order),
            left_out=self._plan.left_out,
            beside=sum(each.waits(chosen.waiting_tag) for each in order),
            **chosen.told(),
        )
        for each in order:
            self._events.emit(
                "planned",
                number=each.number,
                location=each.location,
                name=each.scenario.name,
                expected_s=durations_s.get(each.key),
                thens=sum(step.step_type == "then" for step in each.scenario.all_steps),
            )
        return order

    def _keep_durations(self, kept: Any, durations_s: Mapping[str, float]) -> None:
        try:
            history.save(kept, durations_s)
        except OSError as error:
            self._events.emit("note", text=f"the durations of this run are not kept for the next: {error}")

    def _tell_end(self, crew: Crew, duration_s: float) -> int:
        counts = Counter(outcome.verdict.word for outcome in crew.outcomes.values())
        if counts.total() != len(self._plan.planned):
            raise RuntimeError(f"{len(self._plan.planned)} scenarios were planned, {counts.total()} have a verdict")
        self._note_broken_streams()
        failing = [each for each in self._plan.planned if self._known.fails(each, crew.outcomes[each.number].verdict)]
        is_red = bool(self._problems or failing)
        exit_code = crew.exit_code if crew.exit_code is not None else int(is_red)
        self._events.emit("run_ended", verdicts=dict(counts), exit_code=exit_code, duration_s=duration_s)
        self._events.close()
        return exit_code

    def _note_broken_streams(self) -> None:
        """Tell what could not be written, where that can still be told."""
        for name, stream in (("standard error", sys.stderr), ("standard output", sys.stdout)):
            stream.flush()
            broken = getattr(stream, "broken", None)
            if broken is not None:
                self._events.emit("note", text=f"not all could be written to {name}: {broken}")
                self._problems += stream is sys.stdout
        if self._events.broken is not None:
            self._problems += 1
            self._events.emit("note", text=f"events are missing in {self._directory}: {self._events.broken}")
