"""The options (`-D name=value`) that somebody reads: who owns a name declares it, and a name that nobody has declared
is refused, with the nearest one. An option that is misspelled would otherwise change nothing, and say nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from behave.configuration import load_configuration

from harness.runner.options import WrongUse


@dataclass(frozen=True)
class Option:
    """One option. values: what it takes, as people read it. default: what holds without it. says: what it is for.
    is_path: its value is a path, relative to where the user stands."""

    name: str
    values: str
    default: str
    says: str
    is_path: bool = False


OF_RUNNER = (
    Option("order", "plan, longest or random", "plan", "the order in which scenarios are begun"),
    Option("seed", "a number", "drawn, and told", "the seed of the random order"),
    Option("jobs", "NUMBER or auto", "auto", "how many scenarios at a time; -j N does the same"),
    Option("limit_s", "seconds", "120", "how long a scenario may take"),
    Option("run_limit_s", "seconds", "3600", "how long the whole run may take"),
    Option("run_dir", "a path", "in memory", "the run's folder, which must be empty", is_path=True),
    Option("known", "FILE or FILE,strict", "none", "reds that do not fail the run: scripts/known", is_path=True),
    Option("prove", "yes or no", "no", "each Then step has to show that it can fail"),
    Option("pause", "yes or no", "no", "in the terminal's session and without limits: breakpoint() works"),
)
_of_project: dict[str, Option] = {}


def declare(*options: Option) -> None:
    """Make options of the project known; to be called from environment.py, or from what it imports. From then on a name
    that nobody has declared is refused."""
    _of_project.update({each.name: each for each in options})


def known() -> dict[str, Option]:
    """All options that were declared, by name: the runner's, then the project's."""
    return {each.name: each for each in OF_RUNNER} | _of_project


def check(config: Any) -> None:
    """Raises WrongUse for an option of the command line that nobody has declared, or that has no value. A project that
    declares nothing may have its names read anywhere: there, none is refused."""
    for name, value in config.userdata_defines or []:
        if value == "" and name in known():
            raise WrongUse(f"-D {name}=: it has no value; {known()[name].values} is needed")
        if _of_project and name not in known() and not _is_of_others(name, config):
            raise WrongUse(f"-D {name}={value}: there is no such option; {_nearest(name, known())}")


def _is_of_others(name: str, config: Any) -> bool:
    """Whether behave, a formatter that was asked for, or the project's configuration file knows the name."""
    of_formatters = {part for each in config.format or [] for part in each.replace(":", ".").split(".")}
    prefix, dot, _ = name.partition(".")
    if dot and prefix in {"behave", *of_formatters}:
        return True
    of_file: dict[str, Any] = {}
    load_configuration(of_file)
    return name in (of_file.get("userdata") or {})


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(names))}"
