"""Feeding behave's formatters and reporters: in the order of the files, whatever the order of the run."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from behave.model import Feature, Step

from harness.runner import folder, replay, verdict
from harness.runner.crew import Crew
from harness.runner.guarded import Failed
from harness.runner.messages import AWAITED, Message
from harness.runner.plan import Planned
from harness.runner.replay import Definitions, Replay
from harness.runner.under_way import Outcome
from harness.runner.verdict import Verdict

SHOWN_BYTES = 2**17


class Feed:
    """Lets behave's model run once more, as a sequential run would; where it would run a planned scenario, it gets
    what the scenario's attempt has told, once that is over.

    at_once: show what an attempt tells as soon as it tells it; only one may be under way then. make_way: to be called
    before something is shown. failed: is told what could not be shown, and why. verdicts: filled by the id() of the
    scenario, for the reporters."""

    def __init__(
        self,
        runner: Any,
        crew: Crew,
        *,
        at_once: bool,
        make_way: Callable[[], object],
        failed: Failed,
        verdicts: dict[int, Verdict],
    ) -> None:
        self._runner, self._crew = runner, crew
        self._at_once, self._make_way, self._failed, self._verdicts = at_once, make_way, failed, verdicts
        self._definitions = Definitions(runner.step_registry)

    def feature(self, feature: Feature, planned: list[Planned]) -> None:
        """One feature, and its planned scenarios."""
        for each in planned:
            # Looked up on the object first, so behave's own way through features, rules and outlines can be kept.
            vars(each.scenario)["run"] = functools.partial(self._scenario, each)
        outcomes = [self._crew.outcomes.get(each.number) for each in planned]
        if planned and all(outcome is not None and not outcome.begun for outcome in outcomes):
            for each in planned:
                self._scenario(each, self._runner)
        else:
            for formatter in self._runner.formatters:
                formatter.uri(feature.filename)
            feature.run(self._runner)
        for reporter in self._runner.config.reporters:
            reporter.feature(feature)

    def _scenario(self, planned: Planned, _runner: Any) -> bool:
        """In the place of the scenario's own run(); returns whether it is red."""
        outcome = self._crew.outcomes.get(planned.number)
        player = Replay(planned.scenario, self._runner.formatters, self._definitions)
        while outcome is None:
            if self._at_once:
                self._show(planned, lambda: self._play(player, planned.number))
            self._crew.turn()
            outcome = self._crew.outcomes.get(planned.number)
        final = outcome
        self._verdicts[id(planned.scenario)] = final.verdict
        self._make_way()
        self._show(planned, lambda: self._play(player, planned.number))
        self._show(planned, lambda: self._conclude(player, planned, final))
        self._crew.outcomes[planned.number] = replace(final, told=None)  # so that memory does not grow with the run
        return final.verdict.red

    def _show(self, planned: Planned, shown: Callable[[], None]) -> None:
        """What cannot be shown costs no verdict: an attempt may tell things that behave's model does not know."""
        try:
            shown()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._crew.messages[planned.number].clear()
            self._failed(f"the reports of {planned.location}", error)

    def _play(self, player: Replay, number: int) -> None:
        messages = self._crew.messages[number]
        while messages:
            self._make_way()
            message = messages.popleft()
            if message["do"] != "ended":
                player.apply(message)
            if message["do"] in AWAITED:
                self._crew.acknowledge(number)

    def _conclude(self, player: Replay, planned: Planned, outcome: Outcome) -> None:
        if outcome.begun:
            player.conclude(outcome.verdict, outcome.told)
        elif outcome.verdict.word != verdict.NOT_RUN:
            replay.fail(planned.scenario, outcome.verdict)
        if outcome.told is not None:
            self._note_undefined(outcome.told)
        # With a story, and no formatter that shows steps, behave's own words about a hook are only in the run's folder.
        tells_all = outcome.verdict.story is not None and self._runner.config.format == ["null"]
        if outcome.output is not None and not tells_all:
            _relay(outcome.output, is_kept=outcome.verdict.red)

    def _note_undefined(self, told: Message) -> None:
        for keyword, step_type, name, filename, line in told["undefined"]:
            self._runner.undefined_steps.append(Step(filename, line, keyword, step_type, name))


def _relay(output: Path, *, is_kept: bool) -> None:
    """Show what an attempt wrote past behave's capture: its ends, where it is long."""
    try:
        first, last = folder.ends_of(output, SHOWN_BYTES, SHOWN_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        sys.stdout.write(f"{output} cannot be shown: {error.strerror}\n")
        return
    if first:
        left_out = output.stat().st_size - len(first) - len(last)
        kept = f"; all of it is in {output}" if is_kept else ""
        first += f"\n… {left_out:,} bytes are left out here{kept} …\n".encode()
    sys.stdout.write((first + last).decode(errors="replace"))
    if not (last and is_kept):
        output.unlink(missing_ok=True)
