"""What is to be seen on the user's terminal: a stand-in's letters, and what a keeper of his own says."""

from __future__ import annotations

import pytest

from harness.checks import shown
from harness.evidence import Evidence
from tests.harness import told

LIST = "blep (blep.home.arpa)\n  Last connected: <time>"
OTHER_LIST = "Registered nodes:\n  BLEP at blep.home.arpa, last connected: just now\n"
OWN = ["rbee-keeper"]


def printed(*pieces: tuple[int, str], own: list[str]) -> Evidence:
    return told.evidence(*told.keeper(*pieces), own=own)


def test_a_stand_in_prints_it_to_the_letter() -> None:
    shown.expect_printed(printed((0, "blep: reachable\n"), own=[]), "blep: reachable")

    with pytest.raises(AssertionError, match="do not stand there"):
        shown.expect_printed(printed((0, OTHER_LIST), own=[]), LIST)


def test_a_program_of_the_users_says_it_in_its_own_way() -> None:
    shown.expect_printed(printed((0, OTHER_LIST), own=OWN), LIST)


@pytest.mark.parametrize("seen", ["", "blep, last connected", OTHER_LIST.replace("blep.home.arpa", "blep.home")])
def test_what_it_does_not_say_is_told(seen: str) -> None:
    with pytest.raises(AssertionError, match=r"it does not say .*blep\.home\.arpa"):
        shown.expect_printed(printed((0, seen), own=OWN), LIST)


def test_tokens_of_a_stand_in_are_all_that_it_prints() -> None:
    shown.expect_tokens(printed((0, "write a\n"), own=[]), ["write", " a"])

    with pytest.raises(AssertionError, match="stdout: wanted 'write a'"):
        shown.expect_tokens(printed((0, "Tokens:\nwrite a"), own=[]), ["write", " a"])


def test_tokens_of_a_program_of_the_users_may_stand_below_a_header() -> None:
    shown.expect_tokens(printed((0, "Tokens:\n"), (1, "write a\n\nDone"), own=OWN), ["write", " a"])

    with pytest.raises(AssertionError, match="stdout: wanted 'write a'"):
        shown.expect_tokens(printed((0, "Tokens:\nwrite the"), own=OWN), ["write", " a"])


@pytest.mark.parametrize(("own", "when"), [(OWN, 7), ([], None)])
def test_when_text_was_printed(own: list[str], when: int | None) -> None:
    seen = printed((1, "Prompt: write a\n"), (3, "Tokens:\nwri"), (7, "te a"), (9, " short"), own=own)

    assert shown.printed_at(seen, "write a", "write a short") == when
