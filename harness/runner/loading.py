"""Loading what the user wrote: hooks, step definitions, features; and saying clearly what is wrong with it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from behave.exception import ConfigError, FileNotFoundError, InvalidFileLocationError, InvalidFilenameError
from behave.model_type import FileLocation
from behave.parser import ParserError
from behave.runner_util import parse_features

from harness.runner import plan
from harness.runner.options import WrongUse

WRONG_USE = (
    WrongUse,
    ConfigError,
    FileNotFoundError,
    InvalidFileLocationError,
    InvalidFilenameError,
    ParserError,
)


def check_machine() -> None:
    """Raises WrongUse on a machine that lacks what attempts are contained with."""
    has_children = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    if not (sys.platform == "linux" and has_children and hasattr(os, "pidfd_open")):
        raise WrongUse("this runner needs Linux with /proc, child subreapers and pidfds (5.3 or newer)")


def plan_run(runner: Any) -> plan.Plan:
    """Load hooks and features into behave's `runner`, and plan. Raises one of WRONG_USE."""
    locations = load_features(runner)
    plan.check_addresses(locations, runner.features)
    return plan.make(runner.features, runner.config)


def load_features(runner: Any) -> list[FileLocation]:
    """Load hooks and features into behave's `runner`; returns where the features lie. Raises one of WRONG_USE."""
    runner.setup_paths()
    with _told(runner, "hooks"):
        runner.load_hooks()
    locations = [location for location in runner.feature_locations() if not runner.config.exclude(location)]
    for location in locations:
        if not os.path.isfile(location.filename):
            raise WrongUse(f"{location}: there is no such file")
    runner.features.extend(parse_features(locations, language=runner.config.lang))
    return locations


def load_steps(runner: Any) -> None:
    """Load the step definitions. Raises WrongUse."""
    with _told(runner, "steps"):
        runner.load_step_definitions()


@contextmanager
def _told(runner: Any, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise WrongUse(f"{what} cannot be loaded: {_describe(error, runner.base_dir)}") from error


def _describe(error: Exception, base_dir: str) -> str:
    """The error, and the last place in the user's own files on the way to it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.abspath(frame.filename).startswith(base_dir)]
    return f"{own[-1].filename}:{own[-1].lineno}: {text}" if own else text
