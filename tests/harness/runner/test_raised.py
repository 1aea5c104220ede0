"""Exceptions on their way from an attempt to the reports."""

from __future__ import annotations

import builtins
import json
import traceback
from typing import Any

import pytest

from harness.runner import raised

BUILT_IN = [each for each in vars(builtins).values() if isinstance(each, type) and issubclass(each, BaseException)]


def passed_on(error: BaseException) -> BaseException:
    """The exception as reports get it."""
    record = raised.described(error, error.__traceback__, lambda text: text)
    return raised.rebuilt(json.loads(json.dumps(record)))[0]


@pytest.mark.parametrize("kind", [each for each in BUILT_IN if not issubclass(each, BaseExceptionGroup)])
def test_kind_name_and_text_stay(kind: Any) -> None:
    error = kind.__new__(kind)
    error.args = ("said",)

    seen = passed_on(error)

    assert isinstance(seen, kind)
    assert (type(seen).__name__, str(seen)) == (kind.__name__, str(error))


def test_kind_of_the_users_own_is_what_it_is_built_on() -> None:
    class NotThere(AssertionError, KeyError):
        pass

    seen = passed_on(NotThere("x"))

    assert isinstance(seen, AssertionError)
    assert type(seen).__name__ == "NotThere"


def test_group_keeps_its_name_and_text() -> None:
    seen = passed_on(ExceptionGroup("two", [ValueError("one")]))

    assert (type(seen).__name__, str(seen)) == ("ExceptionGroup", "two (1 sub-exception)")


def test_where_it_was_raised_stays() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        raised_here = error

    seen = passed_on(raised_here)

    there, here = (traceback.extract_tb(error.__traceback__) for error in (seen, raised_here))
    assert [(frame.filename, frame.lineno, frame.name) for frame in there] == [
        (frame.filename, frame.lineno, frame.name) for frame in here
    ]


def test_endless_recursion_is_cut() -> None:
    def endless() -> None:
        endless()

    with pytest.raises(RecursionError) as caught:
        endless()

    seen = passed_on(caught.value)

    assert len(traceback.extract_tb(seen.__traceback__)) == raised.DEEPEST
