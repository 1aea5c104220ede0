"""The configuration files of rbee on the user's node (docs/contract.md, section 1.2): the user writes and removes
them."""

from __future__ import annotations

from harness.stage import Stage

NEEDED = """\
[pool]
name = "blep"
listen_addr = "0.0.0.0:8080"

[paths]
models_dir = "/var/lib/rbee/models"
catalog_db = "/var/lib/rbee/models.db"

"""
"""The sections without which rbee reads no such file."""


def write(stage: Stage, path: str, section: str) -> None:
    """The file at `path` has this section, beside those that are needed."""
    file = stage.places[stage.control].path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{NEEDED}{section}\n")


def run_with(stage: Stage, path: str, command_line: str) -> None:
    """Run a program to its end, with the file at `path` in RBEE_CONFIG. Raises StageError as `Stage.run` does."""
    stage.run(command_line, env={"RBEE_CONFIG": str(stage.places[stage.control].path(path))})


def remove(stage: Stage, path: str) -> None:
    """The file at `path` is there no more."""
    stage.places[stage.control].path(path).unlink()
