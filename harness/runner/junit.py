"""behave's JUnit report, with the words of the verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from behave.model import Feature, Scenario
from behave.reporter.junit import JUnitReporter  # type: ignore[import-untyped]

from harness.runner.verdict import Verdict


class VerdictJUnit(JUnitReporter):  # type: ignore[misc] # it has no types
    """A test case's status is the verdict's word, and a planned scenario is always in the report, with the reason.

    verdicts: by the id() of the scenario; filled while the run goes on."""

    def __init__(self, config: Any, verdicts: Mapping[int, Verdict]) -> None:
        super().__init__(config)
        self._verdicts = verdicts
        self._shows_others: bool = self.show_skipped_always

    def feature(self, feature: Feature) -> None:
        """behave's call when a feature is over."""
        is_planned = any(id(scenario) in self._verdicts for scenario in feature.walk_scenarios())
        self.show_skipped_always = self._shows_others or is_planned
        super().feature(feature)

    def _process_scenario(self, scenario: Scenario, report: Any) -> None:
        verdict = self._verdicts.get(id(scenario))
        self.show_skipped_always = self._shows_others or verdict is not None
        super()._process_scenario(scenario, report)
        if verdict is None:
            return
        case = report.testcases[-1]
        case.set("status", verdict.word)
        undefined = case.find("error[@type='NoneType']")  # behave has no exception for it
        if undefined is not None:
            undefined.set("type", verdict.word)
            undefined.set("message", verdict.reason)
        skipped = case.find("skipped")
        if skipped is not None:
            skipped.set("message", f"{verdict.word}: {verdict.reason}")
