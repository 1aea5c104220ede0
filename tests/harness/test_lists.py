"""Lists as sentences write them."""

from __future__ import annotations

import pytest

from harness import lists


@pytest.mark.parametrize(
    ("text", "wanted"), [("7", [7]), ("0 and 100", [0, 100]), ("2097152, 0 and 0", [2097152, 0, 0])]
)
def test_figures_are_read_in_their_order(text: str, wanted: list[int]) -> None:
    assert lists.figures(text) == wanted


@pytest.mark.parametrize("text", ["", "1,2", "1 and -2", "1 and", "one", "1.5"])
def test_what_is_no_list_of_whole_numbers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no list of whole numbers"):
        lists.figures(text)


def test_entries_may_be_words() -> None:
    assert lists.entries("Q4_K_M, Q5_K_M and Q8_0") == ["Q4_K_M", "Q5_K_M", "Q8_0"]
