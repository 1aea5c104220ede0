"""Loading what the user wrote: hooks, step definitions, features; and saying clearly what is wrong with it."""

from __future__ import annotations

import os
import sys
import traceback
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


def load(runner: Any) -> plan.Plan:
    """Load hooks, steps and features into behave's `runner`, and plan. Raises one of WRONG_USE."""
    locations = load_all(runner)
    plan.check_addresses(locations, runner.features)
    return plan.make(runner.features, runner.config)


def load_all(runner: Any) -> list[FileLocation]:
    """Load hooks, steps and features into behave's `runner`; returns where the features lie. Raises one of
    WRONG_USE."""
    runner.setup_paths()
    try:
        runner.load_hooks()
        runner.load_step_definitions()
    except Exception as error:
        raise WrongUse(f"hooks or steps cannot be loaded: {_describe(error, runner.base_dir)}") from error
    locations = [location for location in runner.feature_locations() if not runner.config.exclude(location)]
    for location in locations:
        if not os.path.isfile(location.filename):
            raise WrongUse(f"{location}: there is no such file")
    runner.features.extend(parse_features(locations, language=runner.config.lang))
    return locations


def _describe(error: Exception, base_dir: str) -> str:
    """The error, and the last place in the user's own files on the way to it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.abspath(frame.filename).startswith(base_dir)]
    return f"{own[-1].filename}:{own[-1].lineno}: {text}" if own else text
