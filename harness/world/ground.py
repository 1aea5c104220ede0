"""Where a node's sockets and programs live: on the machine, or in namespaces of the node's own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Ground(Protocol):
    """Where a node's sockets and programs live.

    `is_own`: it is a machine of its own to those who live there, with addresses and ports, a host's name and system's
    directories. `files` stand for its namespaces: who is forked by a warm parent goes there himself."""

    @property
    def is_own(self) -> bool: ...

    @property
    def files(self) -> Sequence[int]: ...

    def network(self) -> AbstractContextManager[None]:
        """A context: sockets that are made in it are the node's. Nobody may be waited for in it."""

    def whole(self) -> AbstractContextManager[None]:
        """A context: programs that are started in it live on the node. Nobody may be waited for in it."""

    def holds(self, pid: int) -> bool:
        """Whether the process lives there."""

    def close(self) -> None:
        """Let go of it. It ends with the last that lives there."""


class Shared:
    """The machine itself: nodes are told apart by their addresses."""

    is_own = False
    files: Sequence[int] = ()

    def network(self) -> AbstractContextManager[None]:
        return nullcontext()

    def whole(self) -> AbstractContextManager[None]:
        return nullcontext()

    def holds(self, pid: int) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        """It stays."""


MACHINE = Shared()
