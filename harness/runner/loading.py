"""Loading what the user wrote: hooks, step definitions, features; and saying clearly what is wrong with it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from behave.configuration import config_filenames, read_configuration
from behave.exception import ConfigError, FileNotFoundError, InvalidFilenameError
from behave.model import Feature
from behave.model_type import FileLocation
from behave.parser import ParserError, parse_feature
from behave.runner_util import FeatureScenarioLocationCollector2

from harness.runner import plan, verdict
from harness.runner.options import WrongUse


def strays() -> list[str]:
    """Files outside the working directory from which behave takes settings, too: those in the home directory."""
    elsewhere = [each for each in config_filenames() if os.path.dirname(os.path.abspath(each)) != os.getcwd()]
    return [each for each in elsewhere if read_configuration(each)]


def check_machine() -> None:
    """Raises WrongUse on a machine that lacks what attempts are contained with."""
    has_children = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    if not (sys.platform == "linux" and has_children and hasattr(os, "pidfd_open")):
        raise WrongUse("this runner needs Linux with /proc, child subreapers and pidfds (5.3 or newer)")


def plan_run(runner: Any) -> plan.Plan:
    """Load features into behave's `runner`, and plan. Raises WrongUse."""
    locations = load_features(runner)
    plan.check_addresses(locations, runner.features)
    return plan.make(runner.features, runner.config)


def load_hooks(runner: Any) -> None:
    """Find out where the features lie, and load the hooks there into behave's `runner`. Raises WrongUse."""
    with _told(runner, ""):
        runner.setup_paths()
    with _told(runner, "hooks cannot be loaded: "):
        runner.load_hooks()


def load_features(runner: Any) -> list[FileLocation]:
    """Load features into behave's `runner`; returns where they lie. Raises WrongUse."""
    with _told(runner, ""):
        locations = [location for location in runner.feature_locations() if not runner.config.exclude(location)]
    for location in locations:
        if not os.path.isfile(location.filename):
            raise WrongUse(f"{location}: there is no such file")
    for filename, addressed in groupby(locations, key=lambda location: location.filename):
        with _told(runner, f"{filename} cannot be loaded: "):
            runner.features.extend(_load_feature(filename, list(addressed), runner.config.lang))
    return locations


def load_steps(runner: Any) -> None:
    """Load the step definitions. Raises WrongUse."""
    with _told(runner, "steps cannot be loaded: "):
        runner.load_step_definitions()


def _load_feature(filename: str, addressed: Sequence[FileLocation], language: str | None) -> list[Feature]:
    """The feature in the file, as far as it is addressed; none when nothing stands there."""
    # Not behave's parse_file: that takes a mark of the byte order, which editors put there, for a part of the feature.
    text = Path(filename).read_text(encoding="utf-8-sig")
    try:
        feature = parse_feature(text, language, os.path.abspath(filename))
    except KeyError as error:
        raise WrongUse(f"there is no language {error}; behave --lang-list shows those that there are") from error
    if feature is None:
        return []
    plan.add_rowless(feature)
    collector = FeatureScenarioLocationCollector2(feature)
    for location in addressed:
        for line in plan.rows_at(feature, location.line) or [location.line]:
            collector.add_location(FileLocation(filename, line))
    collector.build_feature()
    return [feature]


@contextmanager
def _told(runner: Any, what: str) -> Iterator[None]:
    """Whatever is raised while something of the user's is loaded, is wrong use: SystemExit too, which would end the run
    with a code of its own."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise WrongUse(f"{what}{_describe(error, getattr(runner, 'base_dir', None))}") from error


def _describe(error: BaseException, base_dir: str | None) -> str:
    """The error, and the last place in the user's own files on the way to it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, (FileNotFoundError, InvalidFilenameError)):
        return f"{verdict.text_of(error)}: there is no such file; an address is FILE.feature or FILE.feature:LINE"
    if base_dir is None or isinstance(error, (ConfigError, ParserError, WrongUse)):
        return " ".join(verdict.text_of(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.abspath(frame.filename).startswith(base_dir)]
    return f"{own[-1].filename}:{own[-1].lineno}: {text}" if own else text
