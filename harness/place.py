"""Where a node's files lie on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """One node of a stage: its name, its host name and address on the stage's network, its directory on this
    machine."""

    name: str
    host: str
    address: str
    directory: Path

    @property
    def home(self) -> Path:
        """The home of the node's user."""
        return self.directory / "home"

    def path(self, path: str) -> Path:
        """The node's `path` on this machine: `~/…` lies below its home, `/…` below its root. One that lies below the
        node's directory already is left as it is."""
        if path == "~" or path.startswith("~/"):
            return self.home / path[2:]
        if Path(path).is_relative_to(self.directory):
            return Path(path)
        return self.directory / "root" / path.lstrip("/")
