"""What shows how a run goes (formatters, reporters, progress), kept from doing harm: one that fails costs its own
report only, and no verdict."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from behave.formatter._registry import make_formatters  # type: ignore[import-untyped]

Failed = Callable[[str, BaseException], object]


class Guarded:
    """Something whose methods are called while a run goes on. Once a call has failed, which `failed` is told with the
    thing's name, only those named in `always` are still called."""

    def __init__(self, thing: Any, name: str, failed: Failed, always: tuple[str, ...] = ()) -> None:
        self._thing, self._name, self._tell_failed, self._always = thing, name, failed, always
        self._has_failed = False

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._thing, name)
        return functools.partial(self._call, name, attribute) if callable(attribute) else attribute

    def __call__(self, *arguments: Any) -> Any:
        """Call the thing itself."""
        return self._call("", self._thing, *arguments)

    def _call(self, name: str, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._has_failed and name not in self._always:
            return None
        try:
            return method(*arguments, **named)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, too: it is not for a formatter to end the run
            self._has_failed = True
            self._tell_failed(self._name, error)
            return None


class GuardedFormatter(Guarded):
    """A formatter as hooks see it, too. What an attempt's hook or step has it do is told to the runner, where all
    formatters are: `call` gets its place among them, the method's name and the arguments."""

    def __init__(self, formatter: Any, name: str, failed: Failed, runner: Any, place: int) -> None:
        super().__init__(formatter, name, failed, always=("close",))
        self._runner, self._place = runner, place

    def __getattr__(self, name: str) -> Any:
        attribute = super().__getattr__(name)
        if not (self._runner.in_attempt and callable(attribute)):
            return attribute
        [forwarder] = self._runner.formatters
        return functools.partial(forwarder.call, self._place, name)


def formatters(runner: Any, failed: Failed) -> list[GuardedFormatter]:
    """The formatters of the configuration of behave's `runner`, without those that cannot be made. failed: is told the
    name of one that fails, and with what."""
    config = runner.config
    made: list[GuardedFormatter] = []
    named = list(config.format)
    for place, name in enumerate(named):
        config.format = [name]
        try:
            [formatter] = make_formatters(config, config.outputs[place : place + 1])
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failed(f"the formatter {name}", error)
        else:
            made.append(GuardedFormatter(formatter, f"the formatter {name}", failed, runner, len(made)))
    config.format = named
    return made
