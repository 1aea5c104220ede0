"""Feeding behave's formatters and reporters: in the order of the files, whatever the order of the run."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from behave.model import Feature, Step

from harness.runner import replay, verdict
from harness.runner.crew import Crew, Outcome
from harness.runner.messages import AWAITED, Message
from harness.runner.plan import Planned
from harness.runner.replay import Definitions, Replay
from harness.runner.verdict import Verdict


class Feed:
    """Lets behave's model run once more, as a sequential run would; where it would run a planned scenario, it gets
    what the scenario's attempt has told, once that is over.

    at_once: show what an attempt tells as soon as it tells it; only one may be under way then. make_way: to be called
    before something is shown. verdicts: filled by the id() of the scenario, for the reporters."""

    def __init__(
        self,
        runner: Any,
        crew: Crew,
        *,
        at_once: bool,
        make_way: Callable[[], None],
        verdicts: dict[int, Verdict],
    ) -> None:
        self._runner, self._crew = runner, crew
        self._at_once, self._make_way, self._verdicts = at_once, make_way, verdicts
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
                self._play(player, planned.number)
            self._crew.turn()
            outcome = self._crew.outcomes.get(planned.number)
        self._play(player, planned.number)
        self._verdicts[id(planned.scenario)] = outcome.verdict
        self._make_way()
        self._conclude(player, planned, outcome)
        self._crew.outcomes[planned.number] = replace(outcome, told=None)  # so that memory does not grow with the run
        return outcome.verdict.red

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
        if outcome.output is not None:
            _relay(outcome.output, is_kept=outcome.verdict.red)

    def _note_undefined(self, told: Message) -> None:
        for keyword, step_type, name, filename, line in told["undefined"]:
            self._runner.undefined_steps.append(Step(filename, line, keyword, step_type, name))


def _relay(output: Path, *, is_kept: bool) -> None:
    """Show what an attempt wrote past behave's capture."""
    text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    if text:
        sys.stdout.write(text)
    if not (text and is_kept):
        output.unlink(missing_ok=True)
