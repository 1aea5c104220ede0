"""What a step has raised, on its way from the attempt to the reports: they ask what kind of exception it is, what it
says, and where it was raised."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import TracebackType
from typing import Any

from harness.runner.verdict import text_of

DEEPEST = 50  # frames of a traceback that are told: of an endless recursion nobody reads more


def described(problem: BaseException, traceback: TracebackType | None, bounded: Callable[[str], str]) -> dict[str, Any]:
    """The exception as a record that JSON can hold. bounded: shortens its text."""
    from tblib import Traceback  # type: ignore[import-untyped] # only now: most scenarios pass

    kinds = [kind.__name__ for kind in type(problem).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    outermost = _cut(traceback, DEEPEST)
    return {
        "type": type(problem).__name__,
        "kind": kinds[0],
        "text": bounded(text_of(problem)),
        "traceback": None if outermost is None else Traceback(outermost).to_dict(),
    }


def _cut(traceback: TracebackType | None, depth: int) -> TracebackType | None:
    """The outermost frames of a traceback."""
    if traceback is None or depth == 0:
        return None
    deeper = _cut(traceback.tb_next, depth - 1)
    return TracebackType(deeper, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)


def problem(name: str, text: str, kind: type[BaseException] = Exception) -> BaseException:
    """An exception that stands for one of another process: reports show its type's name and its text, and find it to be
    of the built-in `kind`."""
    stands_for: Any = type(name, (kind,), {"__str__": lambda _: text, "__init__": lambda _: None})
    try:
        made: BaseException = stands_for.__new__(stands_for)
    except TypeError:  # groups are made of other exceptions
        return problem(name, text)
    made.args = (text,)
    return made


def rebuilt(record: dict[str, Any]) -> tuple[BaseException, TracebackType | None]:
    """The exception of a record that `described` has made, and where it was raised."""
    kind = getattr(builtins, record["kind"], Exception)
    is_exception = isinstance(kind, type) and issubclass(kind, BaseException)
    made = problem(record["type"], record["text"], kind if is_exception else Exception)
    if record["traceback"] is None:
        return made, None
    from tblib import Traceback

    traceback = Traceback.from_dict(record["traceback"]).as_traceback()
    return made.with_traceback(traceback), traceback
