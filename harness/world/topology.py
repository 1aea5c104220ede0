"""The machines of a scenario, read from YAML, and what the parts of the world know about the stage they stand on."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml

from harness.world.ground import MACHINE, Ground

PROXY_PORT = 3128  # of the forward proxy at each node's address
SSH_PORT = 22
MOST_NODES = 249  # a stage's network on the machine's own ground is 127.A.B.0/24, and the hub sits at 251
NODE_NAME = re.compile(r"[a-z][a-z0-9-]*")  # it names a directory and a host

Kind = TypeVar("Kind")


class TopologyError(Exception):
    """A topology that cannot be used; the text says which file, where in it, and what is expected there."""


@dataclass(frozen=True)
class NodeFacts:
    """What a topology says about one node. `cuda_free_mb` has one figure a device; memory is in MB (MiB)."""

    host: str
    ram_free_mb: int
    cuda_free_mb: tuple[int, ...] = ()
    version: str | None = None
    installed: bool = True


@dataclass(frozen=True)
class Topology:
    """The nodes by name, in the file's order; `control` is the name of the one where the user sits."""

    control: str
    nodes: dict[str, NodeFacts]

    def place(self, directory: Path) -> dict[str, Node]:
        """The nodes of a stage whose directory is `directory`; they have no network yet."""
        return {
            name: Node(name, number, directory / name, facts)
            for number, (name, facts) in enumerate(self.nodes.items(), start=1)
        }


@dataclass
class Node:
    """One machine of a stage.

    `number` counts from 1. `address` is empty and `ssh_port` is 0 until the stage has a network. `ground` is where its
    sockets and programs live."""

    name: str
    number: int
    directory: Path
    facts: NodeFacts
    address: str = ""
    ssh_port: int = 0
    ground: Ground = MACHINE

    @property
    def host(self) -> str:
        """The node's host name."""
        return self.facts.host


class Stage(Protocol):
    """What nodes and processes know about the stage that they belong to.

    `mark` is the value of RBEE_BDD_STAGE in the environment of its programs; `clock_path` is None in real time;
    `launcher_path` is where launchers ask for forks, None where everything is exec'd; `variables` are
    in the environment of every program."""

    @property
    def stage(self) -> str: ...

    @property
    def directory(self) -> Path: ...

    @property
    def mark(self) -> str: ...

    @property
    def clock_path(self) -> Path | None: ...

    @property
    def launcher_path(self) -> Path | None: ...

    @property
    def variables(self) -> Mapping[str, str]: ...

    def tell(self, event: str, **fields: Any) -> None:
        """Tell the harness what happened: docs/design.md, "What the world tells: events"."""


def load_topology(path: Path) -> Topology:
    """The topology in the YAML file `path`: `control`, and `nodes` by name, each with `host`, `ram_free_mb`, and where
    they are wanted `cuda` (a list of free MB, one a device), `version` and `installed` (default true).

    Raises TopologyError when the file cannot be read or holds anything else."""
    try:
        content = _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TopologyError(f"{path}: cannot be read: {error}") from error
    return _topology(str(path), content)


@functools.lru_cache(maxsize=16)
def _parse(text: str) -> Any:
    """What YAML says. Stages of a run have the same topology in nearly all cases."""
    return yaml.safe_load(text)


def _topology(place: str, content: Any) -> Topology:
    fields = _fields(place, content, required={"control", "nodes"})
    named = _expect(f"{place}: nodes", fields["nodes"], dict, "a list of nodes by name")
    nodes = {_name(f"{place}: nodes", name): _node(f"{place}: nodes.{name}", node) for name, node in named.items()}
    if not 1 <= len(nodes) <= MOST_NODES:
        raise _wrong(f"{place}: nodes", f"between 1 and {MOST_NODES} nodes", len(nodes))
    hosts = [node.host for node in nodes.values()]
    if len(set(hosts)) < len(hosts):
        raise _wrong(f"{place}: nodes", "a host of its own for each node", hosts)
    control = _expect(f"{place}: control", fields["control"], str, "the name of a node")
    if control not in nodes:
        raise _wrong(f"{place}: control", f"the name of a node ({', '.join(nodes)})", control)
    return Topology(control, nodes)


def _name(place: str, name: Any) -> str:
    if not (isinstance(name, str) and NODE_NAME.fullmatch(name)):
        raise _wrong(place, "names of lower-case letters, digits and hyphens", name)
    return name


def _node(place: str, content: Any) -> NodeFacts:
    fields = _fields(place, content, required={"host", "ram_free_mb"}, optional={"cuda", "version", "installed"})
    cuda = _expect(f"{place}.cuda", fields.get("cuda", []), list, "a list of free MB, one a device")
    version = fields.get("version")
    return NodeFacts(
        host=_expect(f"{place}.host", fields["host"], str, "a host name"),
        ram_free_mb=_megabytes(f"{place}.ram_free_mb", fields["ram_free_mb"]),
        cuda_free_mb=tuple(_megabytes(f"{place}.cuda[{index}]", free_mb) for index, free_mb in enumerate(cuda)),
        version=None if version is None else _expect(f"{place}.version", version, str, "a version in quotes"),
        installed=_expect(f"{place}.installed", fields.get("installed", True), bool, "true or false"),
    )


def _megabytes(place: str, value: Any) -> int:
    amount = _expect(place, value, int, "a whole number of MB")
    if isinstance(value, bool) or amount < 0:
        raise _wrong(place, "a whole number of MB", value)
    return amount


def _fields(
    place: str, content: Any, *, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    names = ", ".join(sorted(required | optional))
    fields = _expect(place, content, dict, f"the fields {names}")
    if missing := required - fields.keys():
        raise _wrong(place, f"the field {min(missing)}", list(fields))
    if unknown := [name for name in fields if name not in required | optional]:
        raise _wrong(place, f"only the fields {names}", unknown[0])
    return fields


def _expect(place: str, value: Any, kind: type[Kind], expected: str) -> Kind:
    if not isinstance(value, kind):
        raise _wrong(place, expected, value)
    return value


def _wrong(place: str, expected: str, value: Any) -> TopologyError:
    return TopologyError(f"{place}: expected {expected}, got {value!r}")
