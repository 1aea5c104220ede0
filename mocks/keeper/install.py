"""`rbee-keeper install`: rbee's programs into a user's directories, or the system's (docs/contract.md, section 1.2)."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from mocks.common import machine
from mocks.common.errors import RbeeError
from mocks.keeper import programs

INSTALLED = ("rbee-keeper", "rbee-hive", "llm-worker-rbee")
MODE = 0o755

CONFIG = """\
[pool]
name = {name}
listen_addr = "0.0.0.0:8080"

[paths]
models_dir = {models}
catalog_db = {catalog}

# How `rbee-keeper pool` finds rbee on another machine:
# [remote]
# binary_path = "rbee-hive"
# git_repo_dir = "~/llama-orch"
"""

SHELL_PROFILE = """
💡 Add to your shell profile:
   export PATH="$HOME/.local/bin:$PATH\""""


@dataclass(frozen=True)
class Target:
    """The directories of an installation."""

    binaries: Path
    config: Path
    data: Path
    named_data: Path
    """The data directory as the configuration names it: without RBEE_ROOT, which is put before it when it is used."""


def run(arguments: argparse.Namespace) -> int:
    """Install, and say what was done. Returns the exit code; raises RbeeError when it may not write there."""
    print("📦 Installing rbee binaries...")
    target = _system() if arguments.system else _user()
    try:
        _install(target)
    except PermissionError as failure:
        hint = "\nSuggestion: Use sudo: sudo rbee-keeper install --system" if arguments.system else ""
        message = f"Permission denied: cannot write to {failure.filename}{hint}"
        raise RbeeError("PERMISSION_DENIED", message) from failure
    if not arguments.system:
        print(SHELL_PROFILE)
    return 0


def _user() -> Target:
    home = machine.home()
    data = home / ".local/share/rbee"
    return Target(home / ".local/bin", home / ".config/rbee", data, data)


def _system() -> Target:
    data = Path("/var/lib/rbee")
    return Target(machine.rooted("/usr/local/bin"), machine.rooted("/etc/rbee"), machine.rooted(data), data)


def _install(target: Target) -> None:
    for directory in (target.binaries, target.config, target.data / "models"):
        directory.mkdir(parents=True, exist_ok=True)
    print("✅ Created directories:")
    print(f"   Binaries: {target.binaries}\n   Config:   {target.config}\n   Data:     {target.data}\n")
    print("📋 Installing binaries:")
    for name in INSTALLED:
        _copy(name, target.binaries)
    print()
    config = target.config / "config.toml"
    _write_config(config, target.named_data)
    print("\n✅ Installation complete!\n\n📝 Next steps:")
    print(f"   1. Add {target.binaries} to your PATH\n   2. Edit config: {config}\n   3. Run: rbee-keeper --version")


def _copy(name: str, directory: Path) -> None:
    source = programs.directory() / name
    copy = directory / name
    if not source.is_file():
        print(f"   ⚠️  {name} (not found, skipping)")
        return
    if copy.exists() and copy.samefile(source):
        raise RbeeError("ALREADY_INSTALLED", f"Failed to copy {source} to {copy}: it is the program that runs")
    # Not into the old copy, which may be running.
    new = directory / f".{name}.new"
    shutil.copyfile(source, new)
    new.chmod(MODE)
    new.replace(copy)
    print(f"   ✅ {name}")


def _write_config(path: Path, data: Path) -> None:
    if path.exists():
        print(f"⚠️  Config already exists, not overwriting: {path}")
        return
    # A JSON string is a TOML string too.
    name, models, catalog = map(json.dumps, (machine.node_host(), str(data / "models"), str(data / "models.db")))
    path.write_text(CONFIG.format(name=name, models=models, catalog=catalog), encoding="utf-8")
    print(f"✅ Created default config: {path}")
