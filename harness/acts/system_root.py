"""The system's directories of the user's node, below a root of the scenario's own: who may write there, and to keep out
programs that know nothing of such a root."""

from __future__ import annotations

import os
from pathlib import Path

from behave.model import Scenario

from harness.stage import Stage, StageError

DIRECTORIES = ("/usr/local/bin", "/etc", "/var/lib")
UNPRIVILEGED = 65534  # the user and group id `nobody`: owns nothing here
READ_ALL = 1 << 2  # CAP_DAC_READ_SEARCH


def confine(stage: Stage, scenario: Scenario) -> None:
    """What the user installs for the system goes into directories of the node, where nothing is yet. Where nodes have
    none of their own, a keeper that is the user's own would write to this machine's: the scenario is skipped.

    Raises StageError when something is there."""
    if stage.settings.isolation == "addresses" and stage.settings.programs["rbee-keeper"] is not None:
        scenario.skip("needs a confined root")
        return
    found = [
        f"{directory}/{name}" for directory in DIRECTORIES for name in stage.evidence.files(stage.control, directory)
    ]
    if found:
        raise StageError(f"in the system's directories there are {', '.join(found)}")


def run_without_right(stage: Stage, command_line: str) -> None:
    """Run a program of a user who may not write to the system's directories. Raises StageError as `Stage.run` does."""
    for directory in _directories(stage):
        directory.chmod(0o555)
    try:
        stage.run(command_line, before=as_unprivileged())
    finally:
        for directory in _directories(stage):
            directory.chmod(0o755)


def _directories(stage: Stage) -> list[Path]:
    return [stage.places[stage.control].path(directory) for directory in DIRECTORIES]


def as_unprivileged() -> list[str]:
    """The words that, put before a command line, run it under a user id without privileges: none, unless we are root.

    The Python of the programs may lie where only root may look, in its home: where we can give it away, the right to
    read everything stays."""
    if os.getuid() != 0:
        return []
    words = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"]
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    if int(status["CapPrm"], 16) & int(status["CapBnd"], 16) & READ_ALL:
        words += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return words
