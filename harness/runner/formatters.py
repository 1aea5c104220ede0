"""behave's formatters, kept from doing harm: one that fails costs its own report, and no verdict."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from behave.formatter._registry import make_formatters  # type: ignore[import-untyped]


class Guarded:
    """A formatter as behave calls it. Once a call has failed, which `failed` is told, the formatter is only closed."""

    def __init__(self, formatter: Any, failed: Callable[[Exception], object]) -> None:
        self._formatter, self._tell_failed = formatter, failed
        self._has_failed = False

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._formatter, name)
        return functools.partial(self._call, attribute) if callable(attribute) else attribute

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        if self._has_failed and method.__name__ != "close":
            return None
        try:
            return method(*arguments)
        except BrokenPipeError:
            raise  # nobody reads any more: that is not the formatter's fault
        except Exception as error:
            self._has_failed = True
            self._tell_failed(error)
            return None


def guarded(config: Any, failed: Callable[[str, Exception], object]) -> list[Guarded]:
    """The formatters of behave's configuration. failed: is told the name of one that fails, and with what."""
    made = zip(config.format, make_formatters(config, config.outputs), strict=True)
    return [Guarded(formatter, functools.partial(failed, name)) for name, formatter in made]
