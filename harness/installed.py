"""What Then steps want to see of programs that the user installed. Every function raises AssertionError otherwise."""

from __future__ import annotations

from harness import expect
from harness.evidence import Evidence

REAL_NAMES = {"rbee-keeper": "rbee"}  # what the real keeper's binary is called (docs/contract.md, section 1)


def expect_usage(evidence: Evidence, programs: str, code: int) -> None:
    """Each program of the text (`a, b and c`) was run from where it was installed, printed its usage and ended with
    `code`."""
    runs = {run.program: run for run in evidence.runs() if "/.local/bin/" in run.argv[0]}
    for name in programs.replace(" and ", ", ").split(", "):
        run = runs.get(name) or runs.get(REAL_NAMES.get(name, name))
        assert run is not None, f"{name} has not been run from where it was installed; there ran {sorted(runs)}"
        expect.equal(f"exit code of {run}", run.exit_code, code)
        assert "Usage:" in run.printed("stdout"), f"{run} printed {run.printed('stdout')!r}, and no usage"
