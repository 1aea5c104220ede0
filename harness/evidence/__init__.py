"""Evidence: the only thing that a Then step may read.

It is what the world witnessed (programs, exchanges, logins, commands) and what programs left behind (rows, files,
processes). What a step asks for and is not there yet it awaits, for at most `wait_s` seconds of real time; the failure
then says what was awaited, and what was seen instead.
"""

from __future__ import annotations

import sqlite3
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from harness import expect, fixtures
from harness.evidence import exchanges, made_up, processes, programs
from harness.evidence.exchanges import Exchange
from harness.evidence.made_up import MadeUp
from harness.evidence.normal import normal
from harness.evidence.processes import Living
from harness.evidence.programs import Run
from harness.place import Place
from harness.world import furniture

Found = TypeVar("Found")
Event = Mapping[str, Any]
LOOK_S = 0.02  # rows, files and processes make no event of their own: look again now and then
KEPT_SUBJECTS = 8
SHOWN = 12  # of what was seen, the last so many stand in a failure


def _at_rest(limit_s: float) -> None:
    """Of a stage that is not there nobody works."""


class Evidence:
    """What is known of one scenario's stage.

    `events` grows as `pump` (seconds to wait at most; False when nothing came) reads what the world tells; `rest`
    (seconds at most) returns when nobody on the stage works any more. What is not there yet is awaited for `wait_s`
    seconds. `epoch_us` is the Unix time at which the stage began, on its clock; `real` says that this clock is real
    time. `reads` counts how often something was looked at; `absences` holds what was said not to be there, each with a
    made-up instance of it; `own` names the user's programs; `in_vain` tells what was looked for and not found;
    `subjects` what was looked at last."""

    def __init__(
        self,
        *,
        events: Sequence[Event],
        places: Mapping[str, Place],
        control: str,
        mark: str,
        epoch_us: int,
        real: bool,
        pump: Callable[[float], bool],
        wait_s: float,
        own: Collection[str] = (),
        rest: Callable[[float], None] = _at_rest,
    ) -> None:
        self.epoch_us = epoch_us
        self.real = real
        self.own = own
        self.reads = 0
        self.absences: list[tuple[str, MadeUp | None]] = []
        self.in_vain: list[str] = []
        self.subjects: deque[dict[str, Any]] = deque(maxlen=KEPT_SUBJECTS)
        self.pump = pump
        self.rest = rest
        self.wait_s = wait_s
        self._events = events
        self._places = places
        self._control = control
        self._mark = mark
        self._made_up = MadeUp()

    def at_once(self, *made_up: MadeUp) -> Evidence:
        """This evidence, as it is now and without any waiting; what is made up is shown beside it."""
        other = copy(self)
        other.absences, other.in_vain, other.wait_s = [], [], 0.0
        if made_up:
            (other._made_up,) = made_up
            later_us = self._events[-1]["at_us"] + 1 if self._events else 0
            other._events = [*self._events, *({"at_us": later_us, **one} for one in other._made_up.events)]
        return other

    def blank(self) -> Evidence:
        """Evidence that shows nothing: no event, no node, no process. It waits for nothing."""
        other = self.at_once()
        other._events, other._places, other._mark = (), {}, ""
        return other

    @property
    def events(self) -> Sequence[Event]:
        """All that the world has told so far, in order."""
        self.reads += 1
        return tuple(self._events)

    def _found(self, found: list[Found], what: str, **like: Any) -> list[Found]:
        if not found:
            self.in_vain.append(" ".join([what, *(f"{name}={value}" for name, value in like.items())]))
        return found

    def _place(self, node: str) -> Place | None:
        self.reads += 1
        return self._places.get(node)

    def _living(self) -> list[Living]:
        self.reads += 1
        started_by = {event["pid"]: event["parent"] for event in self._events if event["event"] == "forked"}
        found = processes.living(self._mark, started_by) if self._mark else []
        return found + made_up.living(self._made_up, {name: place.host for name, place in self._places.items()})

    def awaited(self, what: str, find: Callable[[], Found | None], seen: Callable[[], Sequence[object]]) -> Found:
        """What `find` finds as soon as it is not None or empty; AssertionError with `what` and what was `seen`
        otherwise."""
        until_s = time.monotonic() + self.wait_s
        while True:
            found = find()
            if found:
                return found
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            self.pump(min(left_s, LOOK_S))
        shown = "\n  ".join(str(one) for one in list(seen())[-SHOWN:]) or "nothing"
        text = f"awaited for {self.wait_s:g} s: {what}\nseen:\n  {shown}"
        raise expect.Differs(text, what=what, wanted=what, seen=shown, never=True)

    def none(self, what: str, seen: Sequence[object], counter: MadeUp | None = None) -> None:
        """Nothing of `what` was seen; AssertionError with what there was, otherwise.

        `counter` is a made-up instance of `what`: the proof shows it to the step, which must then find it. Without one
        the absence cannot be proven."""
        self.absences.append((what, counter))
        shown = "\n  ".join(str(one) for one in seen)
        if seen:
            text = f"there should be no {what}\nseen:\n  {shown}"
            raise expect.Differs(text, what=what, wanted=f"no {what}", seen=shown)

    def unix_s(self, at_us: int) -> int:
        """A time of the stage, in microseconds since it began, as whole Unix seconds."""
        return (self.epoch_us + at_us) // 1_000_000

    def run(self, program: str = "rbee-keeper") -> Run:
        """The last run of `program` that the harness started."""
        return self.awaited(f"a run of {program}", lambda: next(reversed(self._started(program)), None), self.runs)

    def runs(self) -> list[Run]:
        """All programs that the harness started, and commands over SSH, in order."""
        return programs.fold(self.events)

    def _started(self, program: str) -> list[Run]:
        """The runs of a program that the harness started."""
        self.subjects.append({"program": program})
        return [run for run in self.runs() if run.program == program and not run.over_ssh]

    def exit_code(self, program: str = "rbee-keeper") -> int:
        """The exit code of the last run of `program`, once it has ended."""
        ended = self.awaited(
            f"the end of {program}",
            lambda: next((run for run in reversed(self._started(program)) if run.code is not None), None),
            self.runs,
        )
        assert ended.exit_code is not None
        return ended.exit_code

    def printed(self, stream: str, program: str = "rbee-keeper") -> str:
        """What the last run of `program` wrote to `stdout` or `stderr` by its end, by the rule of `normal`."""
        self.exit_code(program)
        return self.normal(self.run(program).printed(stream))

    def normal(self, text: str) -> str:
        """`text` by the one rule by which texts are compared: `harness.evidence.normal`."""
        return normal(text, self._places.values())

    def exchanges(self, **like: Any) -> list[Exchange]:
        """The exchanges whose fields (asker, host, port, node, role, method, path, status, how) equal those given, in
        order."""
        every = exchanges.fold(self.events)
        found = [one for one in every if all(getattr(one, name) == value for name, value in like.items())]
        if like:
            self.subjects.append({"exchanges": [one.number for one in found], **like})
        return self._found(found, "exchanges", **like)

    def exchange(self, **like: Any) -> Exchange:
        """The first exchange like this that has ended; awaited."""
        wanted = " ".join(f"{name}={value}" for name, value in like.items())
        return self.awaited(
            f"an exchange with {wanted}",
            lambda: next((one for one in self.exchanges(**like) if one.how), None),
            self.exchanges,
        )

    def of_kind(self, kind: str, **like: Any) -> list[Event]:
        """The events of one kind (docs/design.md, "What the world tells") whose fields equal those given."""
        every = [event for event in self.events if event["event"] == kind]
        found = [event for event in every if all(event.get(name) == value for name, value in like.items())]
        self.subjects.append({"events": kind, **like})
        return self._found(found, f"events {kind!r}", **like)

    def event(self, kind: str, **like: Any) -> Event:
        """The first event of a kind with these fields; awaited."""
        wanted = " ".join(f"{name}={value}" for name, value in like.items())
        return self.awaited(
            f"an event {kind!r} with {wanted}",
            lambda: next(iter(self.of_kind(kind, **like)), None),
            lambda: self.of_kind(kind),
        )

    def rows(self, node: str, database: str, query: str, *values: Any) -> list[dict[str, Any]]:
        """What `query` finds in the SQLite file `database` (a path below the node's home), opened for reading only, by
        us and not by the program that wrote it. No file, no rows."""
        path = self.path(node, database)
        self.subjects.append({"rows": database, "node": node})
        if path is None or not path.exists():
            return []
        extra = [row for row in self._made_up.rows if (row.node, row.database) == (node, database)]
        address = f"file:{path}?mode=ro"
        opened = made_up.copy_with_rows(path, extra) if extra else sqlite3.connect(address, uri=True)
        with closing(opened) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(query, values)]
        return self._found(found, f"rows in {database} on {node}")

    def registry_rows(self, node: str | None = None) -> list[dict[str, Any]]:
        """The rows of the queen's registry of nodes, by name; those of one node when it is given."""
        rows = self.rows(self._control, fixtures.REGISTRY, "SELECT * FROM beehives ORDER BY node_name")
        return [row for row in rows if node in (None, row["node_name"])]

    def registry_row(self, node: str) -> dict[str, Any]:
        """The row of `node` in the queen's registry of nodes; awaited."""
        return self.awaited(
            f"a row of {node} in the registry",
            lambda: next(iter(self.registry_rows(node)), None),
            self.registry_rows,
        )

    def catalogue_rows(self, node: str) -> list[dict[str, Any]]:
        """The rows of a node's model catalogue, oldest first."""
        return self.rows(node, fixtures.CATALOGUE, "SELECT * FROM models ORDER BY downloaded_at, reference")

    def path(self, node: str, path: str) -> Path | None:
        """Where `path` of a node lies on this machine (`~/…`: below its home, `/…`: below its root); None without the
        node."""
        place = self._place(node)
        self.subjects.append({"path": path, "node": node})
        return place.path(path) if place else None

    def file(self, node: str, path: str) -> Path:
        """A file or directory on a node; awaited."""

        def find() -> Path | None:
            found = self.path(node, path)
            return found if found is not None and found.exists() else None

        return self.awaited(f"{path} on {node}", find, lambda: self.files(node, str(Path(path).parent)))

    def key_fingerprint(self) -> str:
        """The fingerprint (SHA256, as OpenSSH writes it) of the public key in the user's home."""
        key = self.file(self._control, f"{fixtures.SSH_KEY}.pub").read_text().split()[1]
        return "SHA256:" + b64encode(sha256(b64decode(key)).digest()).decode().rstrip("=")

    def files(self, node: str, path: str) -> list[str]:
        """The names in a directory of a node, sorted, but for what every machine has there; none when it is not
        there."""
        place = self.path(node, path)
        names = [entry.name for entry in place.iterdir()] if place is not None and place.is_dir() else []
        names = [name for name in names if f"{path}/{name}" not in furniture.PLACES]
        found = [*names, *(name for *where, name in self._made_up.files if where == [node, path])]
        return self._found(sorted(found), f"files in {path} on {node}")

    def tools(self, node: str) -> list[str]:
        """The calls of git, cargo, nvidia-smi, free and ssh on a node, in order: `<directory> TAB <command line>`."""
        place = self._place(node)
        self.subjects.append({"tools": node})
        log = place.directory / "tools.log" if place else None
        return log.read_text().splitlines() if log is not None and log.exists() else []

    def processes(self, program: str, node: str | None = None) -> list[Living]:
        """The living processes that run `program` (on `node`, when given), oldest first."""
        self.subjects.append({"processes": program, "node": node})
        hosts = {place.host for name, place in self._places.items() if node in (None, name)}
        found = [one for one in self._living() if one.program == program and one.host in hosts]
        return self._found(found, f"processes of {program}")

    def process(self, program: str, node: str | None = None) -> Living:
        """The oldest living process that runs `program` (on `node`); awaited."""
        return self.awaited(
            f"a process {program}" + (f" on {node}" if node else ""),
            lambda: next(iter(self.processes(program, node)), None),
            self._living,
        )
