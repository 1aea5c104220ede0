"""What Then steps say when they fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import expect


def test_lines_stand_one_after_the_other_somewhere() -> None:
    expect.lines("stdout", "before\none\ntwo\nafter", "one\ntwo")


@pytest.mark.parametrize("seen", ["two\none", "one\nbetween\ntwo", "one", "", "one two"])
def test_lines_that_do_not_stand_so_are_shown(seen: str) -> None:
    with pytest.raises(AssertionError, match="do not stand there"):
        expect.lines("stdout", seen, "one\ntwo\n")


def test_members_are_compared_as_table_cells_show_them() -> None:
    expect.members(
        "row", {"port": 22, "key": None, "on": True, "rate": 1.0}, {"port": "22", "key": "null", "on": "true"}
    )


def test_a_list_is_compared_with_commas_between_its_entries() -> None:
    expect.members("details", {"available": ["cpu", 1.0, True]}, {"available": "cpu, 1, true"})


def test_a_member_that_is_not_there_is_named() -> None:
    with pytest.raises(AssertionError, match="no port in"):
        expect.members("row", {}, {"port": "22"})


def test_entries_may_have_others_between_them_but_keep_their_order() -> None:
    expect.in_order("hops", ["a", "x", "b"], ["a", "b"])

    with pytest.raises(AssertionError, match="wanted 'a' next"):
        expect.in_order("hops", ["b", "a"], ["b", "a", "a"])


def test_a_delay_is_exact_on_the_stages_clock() -> None:
    expect.delay("retry", 200_000, 200_000, real=False)

    with pytest.raises(AssertionError, match=r"wanted 0\.2 s, seen 0\.200001 s"):
        expect.delay("retry", 200_001, 200_000, real=False)


@pytest.mark.parametrize(("seen_us", "holds"), [(199_999, False), (200_000, True), (450_000, True), (450_001, False)])
def test_a_delay_has_a_slack_in_real_time(seen_us: int, holds: bool) -> None:
    if holds:
        expect.delay("retry", seen_us, 200_000, real=True)
    else:
        with pytest.raises(AssertionError):
            expect.delay("retry", seen_us, 200_000, real=True)


@pytest.mark.parametrize(
    ("seen_us", "real", "holds"),
    [
        (30_000_000, False, True),
        (29_999_999, False, False),
        (29_990_000, True, True),
        (30_250_000, True, True),
        (29_749_999, True, False),
        (30_250_001, True, False),
    ],
)
def test_a_period_may_be_shorter_or_longer_in_real_time_only(seen_us: int, real: bool, holds: bool) -> None:
    if holds:
        expect.period("health", seen_us, 30_000_000, real=real)
    else:
        with pytest.raises(AssertionError, match="wanted 30 s"):
            expect.period("health", seen_us, 30_000_000, real=real)


LONG = "again\n" * (1 << 20)


@pytest.mark.parametrize(
    "failing",
    [
        lambda: expect.lines("stdout", LONG, "never"),
        lambda: expect.in_order("stdout", LONG.splitlines(), ["never"]),
        lambda: expect.equal("stdout", LONG, "never"),
    ],
)
def test_of_what_is_too_long_to_be_read_beginning_and_end_are_shown(failing: Callable[[], None]) -> None:
    with pytest.raises(AssertionError) as failed:
        failing()

    assert "again" in str(failed.value)
    assert len(str(failed.value)) < 2 * expect.SHOWN_CHARACTERS


def test_words_are_compared_without_case_signs_and_placeholders() -> None:
    expect.words_of("stdout", "REMOVED node workstation, from ~/rbee", "✅ Node 'workstation' removed: ~/rbee <time>")

    with pytest.raises(AssertionError, match="it does not say blep, gone"):
        expect.words_of("stdout", "workstation", "Blep: gone; blep")
