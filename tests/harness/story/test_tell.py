"""Stories, from the events of a stage."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from behave.model_type import Status
from behave.parser import parse_feature

from harness import expect, settings
from harness.story import tell
from tests.harness import told

FEATURE = "Feature: f\n  Scenario: s\n    Given a\n    When b\n    Then c\n    And d\n"
DIRECTORY = Path("/run/1/stage")
SETTINGS = settings.read({})


def marks() -> list[dict[str, Any]]:
    """The begins of the four steps."""
    kinds = ("given", "when", "then", "then")
    return [{"event": "step", "at_us": 0, "line": line, "kind": kind} for line, kind in enumerate(kinds, 3)]


def test_the_story_of_a_check_has_what_it_wanted_and_saw() -> None:
    scenario = parse_feature(FEATURE, filename="f.feature").scenarios[0]
    step = scenario.steps[2]
    step.status = Status.failed
    step.exception = expect.Differs("no", what="the exit code", wanted="0", seen="3")

    story = tell.of_scenario(scenario, [*told.keeper(), *marks()], DIRECTORY, [{"program": "rbee-keeper"}], SETTINGS)

    assert story["step"] == {"line": 5, "text": "Then c"}
    assert (story["culprit"], story["wanted"], story["seen"]) == ("rbee-keeper", "0", "3")
    assert story["cause"] == "1|rbee-keeper|differs|rbee-keeper|exit code"


def test_what_happens_after_the_failing_step_is_no_part_of_it() -> None:
    events = [*marks()[:3], {"event": "now"}, marks()[3], {"event": "later"}]

    assert tell.up_to_end(events, 5)[-1] == {"event": "now"}


def test_the_story_of_a_dead_attempt_is_read_from_its_spool(tmp_path: Path) -> None:
    scenario = parse_feature(FEATURE, filename="f.feature").scenarios[0]
    events = [*marks()[:2], *told.keeper(), {"event": "closing", "at_us": 0}, {"event": "cut off"}]
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    (tmp_path / "1.jsonl.gz").write_bytes(gzip.compress(lines + b'{"half'))

    story = tell.of_spool(scenario, tmp_path / "1.jsonl", DIRECTORY, None, "killed by SIGKILL", SETTINGS)

    assert story["step"] == {"line": 4, "text": "When b"}
    assert story["seen"] == "killed by SIGKILL"


def test_a_spool_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert tell.read(tmp_path / "1.jsonl") == []


def test_paths_are_those_of_the_node_and_keys_are_hidden() -> None:
    scenario = parse_feature(FEATURE, filename="f.feature").scenarios[0]
    step = scenario.steps[2]
    step.status = Status.failed
    seen = f"{DIRECTORY}/blep/home/.rbee/x --api-key s3cr3t {DIRECTORY}/blep/root/models/y"
    step.exception = expect.Differs("no", what="it", wanted="", seen=seen)

    story = tell.of_scenario(scenario, marks(), DIRECTORY, [], SETTINGS)

    assert story["seen"] == "~/.rbee/x --api-key ••• /models/y"
