"""The first difference between a red trace and a green one."""

from __future__ import annotations

from harness.trace.compare import Difference, first_difference
from harness.trace.normal import NO_INSTANT, Thing

GREEN = "a b:1 c:2"


def things(text: str, channel: str = "queen → hive: request") -> list[Thing]:
    """A trace: `what:instant` for each thing."""
    pairs = [word.partition(":") for word in text.split()]
    return [Thing(1, channel, int(at or 0), what, "queen-rbee") for what, _, at in pairs]


def found(red: str, green: str = GREEN) -> Difference | None:
    """The first difference between these."""
    return first_difference(things(red), things(green), None)


def test_equal_traces_do_not_differ() -> None:
    assert found(GREEN) is None


def test_what_is_missing_never_came() -> None:
    difference = found("a c:2")

    assert difference is not None
    assert (difference.kind, difference.thing.what) == ("never came", "b")


def test_what_is_too_much_came() -> None:
    difference = found("a b:1 b:1 c:2")

    assert difference is not None
    assert (difference.kind, difference.thing.what) == ("came", "b")


def test_one_for_another_at_one_instant_differs() -> None:
    difference = found("a x:1 c:2")

    assert difference is not None
    assert (difference.kind, difference.wanted and difference.wanted.what) == ("differs", "b")


def test_what_came_at_another_instant_is_told_with_the_delay() -> None:
    difference = found("a b:5 c:6")

    assert difference is not None
    assert (difference.kind, difference.delay_us) == ("never came", 4)


def test_the_earliest_is_the_first() -> None:
    difference = found("a x:1 y:2")

    assert difference is not None
    assert difference.thing.what == "x"


def test_order_counts_where_one_speaks() -> None:
    assert found("a b", "b a") is not None


def test_order_tells_nothing_where_many_speak() -> None:
    channel = "rbee-hive on workstation, stdout"

    assert first_difference(things("a b", channel), things("b a", channel), None) is None


def test_what_comes_after_the_failing_step_is_not_looked_at() -> None:
    later = [Thing(2, "c", 9, "later", "queen-rbee")]

    assert first_difference(things(GREEN), things(GREEN) + later, 1) is None


def test_without_instants_polls_are_folded() -> None:
    one, two = (things(text) for text in ("a:-1 b:-1", "a:-1 a:-1 a:-1 b:-1"))

    assert one[0].at_us == NO_INSTANT
    assert first_difference(two, one, None) is None


def test_what_was_not_asked_is_not_the_answerers() -> None:
    green = [
        Thing(1, "rbee-hive on workstation, stdout", 0, "called", "rbee-hive"),
        Thing(1, "worker → hive: request", 0, "ready", "llm-worker-rbee"),
        Thing(1, "worker → hive: answer", 0, "200", "rbee-hive"),
    ]

    difference = first_difference([], green, None)

    assert difference is not None
    assert difference.thing.speaker == "llm-worker-rbee"


def test_whether_what_was_asked_last_is_answered_before_all_ends_tells_nothing() -> None:
    asked, answer = things("a b:1"), things("200:1", "queen → hive: answer")

    assert first_difference(asked, [*asked, *answer], None) is None
    assert first_difference([*asked, *answer], asked, None) is None


def test_no_answer_though_time_went_on_is_a_difference() -> None:
    asked, answer = things("a:1"), things("200:1", "queen → hive: answer")
    later = things("x:2", "hive on workstation, end")

    difference = first_difference([*asked, *later], [*asked, *answer, *later], None)

    assert difference is not None
    assert difference.thing.what == "200"
