"""What stages have in common, what one is to be, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.world.adoption import Orphans
from harness.world.clock import ClockSelector
from harness.world.keys import Keys
from harness.world.namespaces import Home
from harness.world.topology import Topology
from harness.world.warm_parent import WarmParent

if TYPE_CHECKING:
    from harness.world.tenant import Tenant


@dataclass(frozen=True)
class House:
    """What all stages of a run share; `shared` are the stages on which several attempts play, one after the other.
    Without a warm parent every program is exec'd; without a home all nodes are on the machine's own ground. leads: what
    programs of the user's connect to directly is led to the network of their stage."""

    keys: Keys
    selector: ClockSelector
    orphans: Orphans
    warm_parent: WarmParent | None
    home: Home | None
    leads: bool
    shared: dict[Path, Tenant] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """What an attempt wants its stage to be: the fields of `open` in docs/design.md."""

    directory: Path
    topology: Topology
    programs: Mapping[str, Path | None]
    real: bool
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Ended:
    """What became of a stage's processes when it was over. `left` lived on after SIGTERM and had to be killed; `hidden`
    had lived on without whoever started them, and without a trace of the stage."""

    left: Sequence[str] = ()
    hidden: Sequence[str] = ()
