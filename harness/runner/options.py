"""What the user asked of the runner: behave's own options, `-D name=value`, and the environment."""

from __future__ import annotations

import os
import random
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ORDERS = ("plan", "longest", "random")
JOBS_VARIABLE = "RBEE_BDD_JOBS"
LIMIT_S = 120.0
LONGEST_LIMIT_S = 1e8  # three years: more than that, no timer of the machine takes
RUN_LIMIT_S = 3600.0
# They say how a run goes about its scenarios, not what a scenario meets: of no use when one is repeated.
NOT_REPEATED = {"order", "seed", "jobs", "run_dir", "run_limit_s", "pause", "hold"}


class WrongUse(Exception):
    """The run cannot be begun as asked; the text says what, where and what to do. Exit code 2."""


@dataclass(frozen=True)
class Options:
    """jobs: attempts at the same time. order: one of ORDERS. seed: of the random order. limit_s, run_limit_s: how long
    one scenario and the whole run may take. run_dir: the run's folder, or None for one of the runner's choice. pause:
    one scenario at a time, in the terminal's session, without limits. stop: start nothing more after the first red
    one. prove: whether Then steps show that they can fail. known: the file of the reds that do not fail
    the run. isolation: how the nodes of scenarios are kept apart, in
    words, once that is known. programs_bytes: what the copies of the user's programs may come to in the run's
    folder. waiting_tag: scenarios with this tag mostly wait; they are begun first, and beside those that `jobs`
    counts. tested: what the project says of what it tests, in a line, and `facts` as fields of the run's first
    event."""

    jobs: int
    order: str
    seed: int
    limit_s: float
    run_limit_s: float
    run_dir: Path | None
    pause: bool
    stop: bool
    prove: bool
    known: str | None = None
    isolation: str = ""
    programs_bytes: int = 0
    waiting_tag: str = ""
    tested: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """What a run's first event tells of them."""
        fields = {name: getattr(self, name) for name in ("jobs", "isolation", "prove", "order")}
        seed = self.seed if self.order == "random" else None
        return {**fields, "seed": seed, "told": self.tested, **self.facts}


Begin = Callable[[Mapping[str, Any]], Callable[[Options], Options]]
_begin: Begin | None = None


def read(config: Any, environ: Mapping[str, str]) -> Options:
    """The options in behave's configuration and the environment. Raises WrongUse."""
    userdata = config.userdata
    order = userdata.get("order", "plan")
    if order not in ORDERS:
        raise WrongUse(f"-D order={order}: there is no such order; use one of: {', '.join(ORDERS)}")
    pause = is_yes("pause", userdata.get("pause", "no"))
    run_dir = userdata.get("run_dir")
    return Options(
        jobs=1 if pause or not config.should_capture() or _one_queen(userdata) else _jobs(config, environ),
        order=order,
        seed=_whole_number("-D seed", userdata["seed"], 0) if "seed" in userdata else random.randrange(1_000_000),
        limit_s=seconds(userdata, "limit_s", LIMIT_S),
        run_limit_s=seconds(userdata, "run_limit_s", RUN_LIMIT_S),
        run_dir=_directory("run_dir", run_dir) if run_dir else None,
        pause=pause,
        stop=bool(config.stop),
        prove=is_yes("prove", userdata.get("prove", "no")),
        known=userdata.get("known"),
    )


def adjusted_by(begin: Begin) -> None:
    """Have a project adjust the options of its runs; to be called from environment.py, or from what it imports.

    `begin` is called with behave's userdata before the features are loaded, so that what takes a while can go on
    beside that; what it returns is called with the options afterwards, and returns those that hold."""
    global _begin
    _begin = begin


def begin_adjustment(userdata: Mapping[str, Any]) -> Callable[[Options], Options]:
    """What a project makes of the options of its runs; without a word of it they stay as they are."""
    return _begin(userdata) if _begin else lambda chosen: chosen


def _one_queen(userdata: Mapping[str, str]) -> bool:
    """Whether all scenarios share what is global, so that only one may run at a time."""
    return userdata.get("queen_scope") == "run"


def seconds(userdata: Mapping[str, Any], name: str, default_s: float) -> float:
    """The limit `name` in seconds, as `-D name=…` gives it. Raises WrongUse."""
    value = userdata.get(name, default_s)
    try:
        limit_s = float(value)
    except (ValueError, TypeError):  # a hook may put anything there
        limit_s = 0.0
    if not 0 < limit_s < float("inf"):
        raise WrongUse(f"-D {name}={value}: a number of seconds above 0 is needed")
    return min(limit_s, LONGEST_LIMIT_S)


def _directory(name: str, value: str) -> Path:
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise WrongUse(f"-D {name}={value}: {error}") from error


def repeat_command(config: Any, location: str) -> str:
    """The command that runs the scenario at `location` again, as this run meets it."""
    words = ["bin/bdd-runner" if sys.argv[0] == "bdd-runner" else "behave"]  # harness/command.py calls itself so
    for name, value in config.userdata_defines or []:
        if name not in NOT_REPEATED:
            words += ["-D", f"{name}={value}"]
    if config.tags and config.tags != (config.config_tags or config.default_tags):
        words += [f"--tags={tags}" for tags in config.tags]
    words += [f"--{name}={value}" for name in ("stage", "lang") if (value := getattr(config, name))]
    return shlex.join([*words, location])


def _jobs(config: Any, environ: Mapping[str, str]) -> int:
    """`-D jobs` goes before `-j`; `-j 0`, which is what setup.cfg says, leaves it to the environment."""
    if "jobs" in config.userdata:
        name, value = "-D jobs", config.userdata["jobs"]
    elif config.jobs:
        return int(config.jobs)
    else:
        name, value = JOBS_VARIABLE, environ.get(JOBS_VARIABLE) or "auto"
    if value == "auto":
        return len(os.sched_getaffinity(0)) + 1  # an attempt often waits for others
    return _whole_number(name, value, 1)


def _whole_number(name: str, value: str, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise WrongUse(f"{name}={value}: a whole number of at least {least} is needed")
    return number


def is_yes(name: str, value: str) -> bool:
    """Whether `-D name=value` says yes. Raises WrongUse when it says neither yes nor no."""
    if value not in ("yes", "true", "no", "false"):
        raise WrongUse(f"-D {name}={value}: yes or no is needed")
    return value in ("yes", "true")
