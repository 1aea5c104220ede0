"""The lies: each finds what it patches, and the report says what became of them."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.proof import lie_report, lies
from harness.proof.lie_report import Told

LIMIT_S = 60
TELL_ALL = """
import sys
import tempfile
from pathlib import Path
from harness.proof import lies
for lie in lies.lies(sys.argv[1]):
    lie.patch()
    print(lie.name)
"""
QUIET = lies.Lie("says nothing", "rbee-keeper infer", lies.nothing)


@pytest.mark.parametrize("program", lies.PROGRAMS)
def test_every_lie_finds_what_it_patches(program: str) -> None:
    names = [lie.name for lie in lies.lies(program)]

    done = subprocess.run(
        [sys.executable, "-c", TELL_ALL, program], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )

    assert done.stdout.splitlines() == names, done.stderr
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("program", lies.PROGRAMS)
def test_what_a_lie_meets_is_a_pattern(program: str) -> None:
    assert all(re.compile(lie.meets) for lie in lies.lies(program))


def test_a_lie_that_there_is_not_is_refused() -> None:
    with pytest.raises(LookupError, match="no lie 'sleeps' of the keeper"):
        lies.tell("keeper", "sleeps")


def test_a_lying_program_begins_as_the_true_one_does() -> None:
    program = lies.source("keeper", "shows no narration")

    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )

    assert "Usage:" in done.stdout
    assert done.returncode == 0


def test_the_report_has_survivors_first_and_the_sentences_that_caught_nothing() -> None:
    caught = Told("keeper", lies.Lie("tells", "x", lies.nothing), ["f:33", "f:73"], ["f:33"], {"the exit code is …": 2})
    survivor = Told("keeper", QUIET, ["f:33"], [], {})

    page = lie_report.page([caught, survivor])

    assert "1 of 2 lies caught; 1 of " in page
    assert page.index("says nothing") < page.index("| tells |")
    assert "| keeper | tells | 33 | 2 | the exit code is … |" in page
    assert "| keeper | says nothing | **none** | 1 | **nothing** |" in page
    assert "- the exit code is …\n" not in page
    assert "- it prints:\n" in page


def test_a_lie_turns_a_scenario_red_and_every_sentence_that_fails_is_told() -> None:
    [lie] = [lie for lie in lies.lies("keeper") if lie.name == "prints times that are an hour off"]
    where = "features/test-001.feature:121"
    with tempfile.TemporaryDirectory(prefix="rl-") as short:  # sockets lie below it
        told = lie_report.told("keeper", lie, Path(short), {where: ["rbee-keeper setup list-nodes"]})

    assert told.red == [where]
    assert told.caught == {"the times that it prints are those of the rows, in their order": 1}
