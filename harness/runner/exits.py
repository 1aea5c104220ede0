"""The ways out of the runner's process: its exit code comes from the verdicts, and from nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

WRONG_USE = 2


class Exits:
    """Keeps hooks, steps and formatters, as far as they run in this process, from ending it with a code of theirs, by
    os._exit or by becoming another program. Their SystemExit is met where they are called.

    code: with what such an end ends now: 2 as long as there is no verdict on the run, then what that says."""

    def __init__(self) -> None:
        self.code = WRONG_USE
        self._owner = os.getpid()
        self._end = os._exit
        for name in ("_exit", "execv", "execve"):
            vars(os)[name] = self._kept(name, getattr(os, name))

    def _kept(self, name: str, real: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
        def kept(*arguments: Any) -> NoReturn:
            if os.getpid() != self._owner:  # a fork may end, or become, what it likes
                real(*arguments)
            said = ", ".join(repr(each) for each in arguments[:1])
            text = f"behave: os.{name}({said}) was called in the runner's own process; the run ends with exit code "
            code = (arguments[0] if name == "_exit" else 0) or self.code
            os.write(2, f"{text}{code}\n".encode(errors="backslashreplace"))
            self._end(code)

        return kept
