"""When a flow of time ends."""

from __future__ import annotations

from typing import Any

import pytest

from harness.world.flow import Flow, matches

TOKEN = {"event": "passed", "path": "/v1/inference", "data": '{"type": "token", "t": "a"}'}


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ({"event": "passed"}, True),
        ({"event": "passed", "path": "/v2/tasks"}, False),
        ({"data": {"type": "token"}}, True),
        ({"data": {"type": "end"}}, False),
        ({"data": {"index": 0}}, False),
        ({"headers": {"host": "a"}}, False),
        ({}, True),
    ],
)
def test_fields_are_compared_and_objects_by_their_members(pattern: dict[str, Any], holds: bool) -> None:
    assert matches(TOKEN, pattern) is holds


def test_what_is_no_json_has_no_members() -> None:
    assert not matches({**TOKEN, "data": "[DONE"}, {"data": {"type": "token"}})


def test_a_flow_ends_at_the_nth_event() -> None:
    flow = Flow([{"event": {"data": {"type": "token"}}, "count": 2}])

    flow.saw(TOKEN)
    assert flow.met is None

    flow.saw(TOKEN)
    assert flow.met == 0


def test_a_flow_ends_at_the_exit_of_a_process() -> None:
    flow = Flow([{"at_us": 5}, {"exit": 7}])

    flow.saw({"event": "exited", "pid": 8, "code": 0})
    flow.saw({"event": "exited", "pid": 7, "code": 0})

    assert flow.met == 1


def test_the_first_condition_that_held_is_what_ended_it() -> None:
    flow = Flow([{"at_us": 5}, {"exit": 7}])

    flow.end(0)
    flow.saw({"event": "exited", "pid": 7, "code": 0})

    assert flow.met == 0


def test_moments_are_told_with_their_condition() -> None:
    assert Flow([{"exit": 7}, {"at_us": 5}]).moments() == [(5, 1)]


@pytest.mark.parametrize("condition", [{}, {"event": "passed"}, {"when": "soon"}])
def test_what_is_no_condition_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a flow ends at exit, at_us or event"):
        Flow([condition])
