"""What Then steps want to see of programs that the user installed. Every function raises AssertionError otherwise."""

from __future__ import annotations

import tomllib

from harness import expect, lists
from harness.evidence import Evidence, made_up
from harness.programs import OTHER_NAMES

SYSTEM = ("/usr/local/bin", "/etc", "/var/lib")


def expect_usage(evidence: Evidence, programs: str, code: int) -> None:
    """Each program of the text (`a, b and c`) was run from where it was installed, printed its usage and ended with
    `code`."""
    runs = {run.program: run for run in evidence.runs() if "/.local/bin/" in run.argv[0]}
    for name in lists.entries(programs):
        run = runs.get(name) or runs.get(OTHER_NAMES.get(name, name))
        assert run is not None, f"{name} has not been run from where it was installed; there ran {sorted(runs)}"
        expect.equal(f"exit code of {run}", run.exit_code, code)
        # With its own name in front: /bin/true, whatever it is called, prints a usage too, with its whole path.
        usage = f"Usage: {run.program} "
        assert usage in run.printed("stdout"), f"{run} printed {run.printed('stdout')!r}, and no {usage!r}"


def expect_refused(evidence: Evidence, line: str, code: int) -> None:
    """The user's program ended with `code` and said this line on stderr; nothing is in the system's directories."""
    expect.equal("the exit code", evidence.exit_code(), code)
    expect.lines("stderr", evidence.printed("stderr"), line)
    for directory in SYSTEM:
        counter = made_up.file("blep", directory)
        evidence.none(f"file in {directory}", evidence.files("blep", directory), counter)


def expect_programs(evidence: Evidence, node: str, directory: str, programs: str) -> None:
    """In the directory on `node` are the programs of the text (`a, b and c`), and each may be executed by everybody."""
    for name in lists.entries(programs):
        mode = evidence.file(node, f"{directory}/{name}").stat().st_mode
        expect.equal(f"the mode of {directory}/{name}", oct(mode & 0o777), oct(0o755))
    expect.equal(f"what is in {directory}", evidence.files(node, directory), sorted(lists.entries(programs)))


def expect_models_directory(evidence: Evidence, node: str, config: str, directory: str) -> None:
    """The configuration file on `node` names this directory as that of the models, and it is there."""
    settings = tomllib.loads(evidence.file(node, config).read_text())
    expect.equal(f"models_dir in {config}", settings["paths"]["models_dir"], directory)
    assert evidence.file(node, directory).is_dir(), f"{directory} on {node} is no directory"
