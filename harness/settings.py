"""What the user set on the command line (`-D name=value`), read and checked."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import isolation, peers, programs
from harness.runner.declared import Option, declare
from harness.runner.options import Options, WrongUse, is_yes

CLOCKS = ("stage", "real")
WAITING_TAG = "needs-clock"  # of scenarios that wait for more than 30 s, which is real time without the clock
QUEEN_SCOPES = ("scenario", "run")
STAGE_WAIT_S, REAL_WAIT_S = 60.0, 600.0
# A Then step awaits what is under way when time stands, never time itself: on a stage's clock nothing should be left.
STAGE_EVIDENCE_S, REAL_EVIDENCE_S = 1.0, 5.0


declare(
    Option("keeper", "a program", "the stand-in", "yours instead of the stand-in rbee-keeper", is_path=True),
    Option("queen", "a program", "the stand-in", "yours instead of the stand-in queen-rbee", is_path=True),
    Option("hive", "a program", "the stand-in", "yours instead of the stand-in rbee-hive", is_path=True),
    Option("worker", "a program", "the stand-in", "yours instead of the stand-in llm-worker-rbee", is_path=True),
    Option("bin", "a directory", "none", "yours, by rbee's names, as far as they lie there", is_path=True),
    Option("hive.arguments", "words", "rbee's own", "how a hive is started: docs/real-rbee.md"),
    Option("hive.port", "9200 or 8080", "9200", "where a hive is started, and asked"),
    Option("worker.arguments", "words", "rbee's own", "how a worker is started: docs/real-rbee.md"),
    Option("clock", "stage or real", "stage; real with a program of yours", "whose time the programs live in"),
    Option("isolation", "auto, namespaces or addresses", isolation.DEFAULT, "how the nodes are kept apart"),
    Option("queen_scope", "scenario or run", "scenario", "a queen for each scenario, or one for the run"),
    Option("warm", "yes or no", "yes", "stand-ins are forked from a parent that has them loaded"),
    Option("stand_ins", "a directory", "bin", "other program files of the stand-ins", is_path=True),
    Option("wait_s", "seconds", "60; 600 in real time", "how long a step waits for something"),
    Option("hold", "failure or a line", "none", "the scenario stands still there, with its stage alive"),
    Option("go_on", "yes or no", "no", "the steps after one that has failed are run, too"),
)


class SettingsError(WrongUse):
    """A setting that cannot be used; the text says which, why, and what would do."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    programs: program name → the user's own binary, or None for our stand-in. clock: `stage` or `real`. wait_s: how
    long a step that acts waits at most, in seconds of real time. variables: handed to every program, in its
    environment. prove: each
    Then step has to show that it can fail. go_on: steps are run after one has failed, too. stand_ins: where the
    stand-ins' program files are, None for the project's own. warm: those are forked from a warm parent instead of
    being exec'd. isolation: how nodes are kept apart, `namespaces` or `addresses`. direct: what
    programs of the user's connect to directly, not by way of HTTP_PROXY, is witnessed, too. hold: the line
    at which a scenario stands still, `failure`, or nothing."""

    programs: Mapping[str, Path | None]
    clock: str
    wait_s: float
    queen_scope: str
    variables: Mapping[str, str]
    hive: peers.Hive
    prove: bool
    go_on: bool
    stand_ins: Path | None
    warm: bool
    isolation: str
    direct: bool
    hold: str

    @property
    def evidence_s(self) -> float:
        """How long a step that reads evidence awaits it at most, in seconds of real time."""
        return min(STAGE_EVIDENCE_S if self.clock == "stage" else REAL_EVIDENCE_S, self.wait_s)

    @property
    def replaced(self) -> list[str]:
        """The programs that are the user's own."""
        return [name for name, path in self.programs.items() if path is not None]


def read(userdata: Mapping[str, str]) -> Settings:
    """The settings in behave's userdata and the environment. Raises SettingsError."""
    own = programs.own(userdata)
    time = clock(userdata)
    default_s = STAGE_WAIT_S if time == "stage" else REAL_WAIT_S
    found = isolation.choose(userdata)
    return Settings(
        programs={name: own.get(option) for option, name in programs.PROGRAMS.items()},
        clock=time,
        wait_s=_seconds("wait_s", userdata.get("wait_s"), default_s),
        queen_scope=_one_of("queen_scope", userdata.get("queen_scope", "scenario"), QUEEN_SCOPES),
        variables={**peers.variables(userdata, own), **_rust_log()},
        hive=peers.hive(userdata),
        prove=is_yes("prove", userdata.get("prove", "no")),
        go_on=is_yes("go_on", userdata.get("go_on", "no")),
        stand_ins=_directory("stand_ins", userdata.get("stand_ins")),
        warm=is_yes("warm", userdata.get("warm", "yes")) and len(own) < len(programs.PROGRAMS),
        isolation=found.way,
        hold=_hold(userdata),
        direct=found.way == "namespaces" and not found.unmet,
    )


def let_wait(chosen: Options, clock: str) -> Options:
    """The options of a run, in which scenarios that wait for minutes in real time wait beside all others; unless only
    one may run at a time."""
    waits = clock == "real" and chosen.jobs > 1
    return replace(chosen, waiting_tag=WAITING_TAG if waits else "")


def clock(userdata: Mapping[str, str]) -> str:
    """The time in which programs live. One that is the user's own lives in real time, unless he says that it does
    not."""
    return _one_of("clock", userdata.get("clock", "real" if programs.own(userdata) else "stage"), CLOCKS)


def hold(chosen: Options, userdata: Mapping[str, str]) -> Options:
    """The options of a run in which a scenario may stand still: it has the terminal for itself, and all the time.
    Raises SettingsError where there is no terminal."""
    if not _hold(userdata):
        return chosen
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SettingsError(f"-D hold={userdata['hold']}: it is for a terminal, and standard input or output is none")
    return replace(chosen, pause=True, jobs=1)


def _hold(userdata: Mapping[str, str]) -> str:
    value = userdata.get("hold", "")
    if value and value != "failure" and not value.isdecimal():
        raise SettingsError(f"-D hold={value}: failure, or the line of a step or a scenario, is needed")
    return value


def _rust_log() -> dict[str, str]:
    return {"RUST_LOG": os.environ["RUST_LOG"]} if "RUST_LOG" in os.environ else {}


def _one_of(option: str, value: str, values: Sequence[str]) -> str:
    if value not in values:
        raise SettingsError(f"-D {option}={value}: use one of: {', '.join(values)}")
    return value


def _directory(option: str, value: str | None) -> Path | None:
    if not value:
        return None
    path = Path(value).expanduser().absolute()
    if not path.is_dir():
        raise SettingsError(f"-D {option}={value}: there is no such directory")
    return path


def _seconds(option: str, value: str | None, default_s: float) -> float:
    try:
        seconds = float(value) if value else default_s
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise SettingsError(f"-D {option}={value}: a number of seconds above 0 is needed")
    return seconds
