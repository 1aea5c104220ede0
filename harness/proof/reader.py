"""What a Then step may do, in every run: it reads evidence, and it only reads."""

from __future__ import annotations

from typing import Any

from behave.runner import Context

ACTING = ("stage", "execute_steps", "add_cleanup")


class NotOnlyReading(Exception):
    """A Then step did something else than read evidence; the text says what, and what to do."""


class Reader:
    """behave's context as a Then step gets it: what it may use of it can be read, and nothing can be written.

    seen: evidence, text and table, which stand before those of the context."""

    def __init__(self, context: Context, **seen: Any) -> None:
        vars(self).update(seen, _context=context)

    def __getattr__(self, name: str) -> Any:
        if name in ACTING:
            raise NotOnlyReading(f"it uses context.{name}, which acts; a Then step reads context.evidence")
        return getattr(self._context, name)

    def __setattr__(self, name: str, value: object) -> None:
        raise NotOnlyReading(f"it sets context.{name}; a Then step only reads: set it in a Given or When step")

    def __delattr__(self, name: str) -> None:
        raise NotOnlyReading(f"it deletes context.{name}; a Then step only reads")

    def __contains__(self, name: str) -> bool:
        return name in vars(self) or name in self._context
