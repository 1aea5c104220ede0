"""behave's JUnit report, with the words of the verdicts."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from behave.model import Feature, Scenario
from behave.reporter.junit import JUnitReporter  # type: ignore[import-untyped]

from harness.report import story
from harness.runner.verdict import Verdict

# What XML 1.0 cannot hold, not even as a reference: control characters, halves of surrogate pairs, two non-characters.
REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
REFERENCE = re.compile("&#(\\d+);")


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # behave leaves the file to be closed by Python
            super().feature(feature)
        name = f"TESTS-{self.make_feature_filename(feature)}.xml"
        path = Path(self.config.junit_directory, name)
        if path.exists():  # there is none of a feature that is left out
            _make_readable(path)

    def _process_scenario(self, scenario: Scenario, report: Any) -> None:
        verdict = self._verdicts.get(id(scenario))
        self.show_skipped_always = self._shows_others or verdict is not None
        super()._process_scenario(scenario, report)
        if verdict is None:
            return
        case = report.testcases[-1]
        case.set("status", verdict.word)
        problem = next((each for each in (case.find("failure"), case.find("error")) if each is not None), None)
        if problem is not None and verdict.story is not None:
            lines = story.rendered(verdict.story, story.MOST_COLUMNS)
            problem.text = "\n".join([*lines, "", problem.text or ""])
        undefined = case.find("error[@type='NoneType']")  # behave has no exception for it
        if undefined is not None:
            undefined.set("type", verdict.word)
            undefined.set("message", verdict.reason.partition("\n")[0])
        skipped = case.find("skipped")
        if skipped is not None:
            skipped.set("message", f"{verdict.word}: {verdict.reason}")


def _make_readable(path: Path) -> None:
    """Write out what no parser would read: names, messages and reasons may hold anything. behave does so for what
    scenarios have printed, and for nothing else."""
    text = path.read_text(encoding="utf-8")
    readable = REFERENCE.sub(_written_out, REFUSED.sub(lambda found: _number(ord(found[0])), text))
    if readable != text:
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.write_text(readable, encoding="utf-8")
        new.replace(path)


def _written_out(reference: re.Match[str]) -> str:
    code = int(reference[1])
    return _number(code) if 0xD800 <= code <= 0xDFFF else reference[0]


def _number(code: int) -> str:
    return f"U+{code:04X}"
