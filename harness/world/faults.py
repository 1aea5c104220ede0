"""The faults of a stage: what a scenario arranges to go wrong on its network."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MEMBERS = {"swallow": ("host", "port"), "cut": ("host", "port", "at")}


class Cut(NamedTuple):
    """Where an answer is to be cut: after so many bytes of its body, by the fault of that number."""

    fault: int
    at_bytes: int


@dataclass(frozen=True)
class Fault:
    """A fault, and whom it hits: a name as askers say it, and a port, or every port of the host."""

    number: int
    kind: str
    host: str
    port: int | None
    at_bytes: deque[int | None] = field(default_factory=deque)

    def hits(self, host: str, port: int) -> bool:
        """Whether it concerns what is asked of this host and port."""
        return self.host == host and self.port in (None, port)


class Faults:
    """The faults of one stage, numbered from 1 in the order in which they were arranged."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def arrange(self, kind: str, **members: Any) -> int:
        """Arrange a fault from now on; its number. Raises ValueError for what is no fault.

        `swallow` (host, port): what is asked there is never answered.
        `cut` (host, port, at): the bodies of successive answers from there are reset after the byte counts in the list
        `at`; null lets one pass, 0 resets before the answer's first byte, and beyond the list answers pass untouched.
        Without `port` the whole host is hit. A host needs to be no node."""
        if kind not in MEMBERS:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(MEMBERS)}")
        if strange := members.keys() - set(MEMBERS[kind]):
            raise ValueError(f"the fault {kind} has no {', '.join(sorted(strange))}, only {', '.join(MEMBERS[kind])}")
        host, port = members.get("host"), members.get("port")
        if not isinstance(host, str) or not host:
            raise ValueError(f"the fault {kind} needs a host, not {host!r}")
        if port is not None and (not _is_count(port) or not 1 <= port <= 65535):
            raise ValueError(f"a port is a number from 1 to 65535, not {port!r}")
        at_bytes = _byte_counts(members.get("at")) if kind == "cut" else ()
        fault = Fault(next(self._numbers), kind, host.lower(), port, deque(at_bytes))
        self._faults.append(fault)
        return fault.number

    def clear(self) -> None:
        """Mend everything: no fault is arranged any more. Numbers go on."""
        self._faults.clear()

    def swallowing(self, host: str, port: int) -> int | None:
        """The number of the fault that swallows what is asked of this host and port, if one does."""
        found = (fault.number for fault in self._faults if fault.kind == "swallow" and fault.hits(host, port))
        return next(found, None)

    def next_cut(self, host: str, port: int) -> Cut | None:
        """Where the answer that this host and port has just begun is to be cut, if at all. Uses up one byte count of
        the first fault that has any left."""
        for fault in self._faults:
            if fault.at_bytes and fault.hits(host, port):
                at_bytes = fault.at_bytes.popleft()
                return None if at_bytes is None else Cut(fault.number, at_bytes)
        return None


def _byte_counts(at: object) -> list[int | None]:
    if not isinstance(at, list) or not at or not all(count is None or _is_count(count) for count in at):
        raise ValueError(f"the fault cut needs `at`, a list of byte counts (null: let one pass), not {at!r}")
    return at


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
