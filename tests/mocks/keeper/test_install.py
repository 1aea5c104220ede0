"""Installing rbee's programs."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from tests.mocks.keeper.scripted import KEEPER, Keeper

NAMES = ("rbee-keeper", "rbee-hive", "llm-worker-rbee")


def test_the_programs_are_installed_for_the_user(keeper: Keeper) -> None:
    code, out, err = keeper.run("install")

    installed = [keeper.home / ".local/bin" / name for name in NAMES]
    assert (code, err) == (0, "")
    assert [path.read_bytes() for path in installed] == [(KEEPER.parent / name).read_bytes() for name in NAMES]
    assert {path.stat().st_mode & 0o777 for path in installed} == {0o755}
    assert (keeper.home / ".local/share/rbee/models").is_dir()
    assert "✅ Installation complete!" in out


def test_an_installed_program_runs(keeper: Keeper) -> None:
    keeper.run("install")

    copy = keeper.home / ".local/bin/rbee-keeper"
    shown = subprocess.run([str(copy), "--help"], env=keeper.environment(), capture_output=True, text=True, check=False)

    assert (shown.returncode, shown.stdout.partition(" ")[0]) == (0, "Usage:")


def test_the_default_configuration_can_be_read(keeper: Keeper) -> None:
    keeper.run("install", RBEE_NODE_HOST='blep "1"')

    config = tomllib.loads((keeper.home / ".config/rbee/config.toml").read_text())

    data = keeper.home / ".local/share/rbee"
    assert config == {
        "pool": {"name": 'blep "1"', "listen_addr": "0.0.0.0:8080"},
        "paths": {"models_dir": str(data / "models"), "catalog_db": str(data / "models.db")},
    }


def test_a_configuration_is_never_overwritten(keeper: Keeper) -> None:
    config = keeper.home / ".config/rbee/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("mine")

    code, out, _ = keeper.run("install")

    assert (code, config.read_text()) == (0, "mine")
    assert f"⚠️  Config already exists, not overwriting: {config}\n" in out


def test_a_second_installation_replaces_the_first(keeper: Keeper) -> None:
    copy = keeper.home / ".local/bin/rbee-hive"
    copy.parent.mkdir(parents=True)
    copy.write_text("old")

    code, _, _ = keeper.run("install")

    assert (code, copy.read_bytes()) == (0, (KEEPER.parent / "rbee-hive").read_bytes())
    assert sorted(path.name for path in copy.parent.iterdir()) == sorted(NAMES)


def test_a_program_that_is_not_there_is_left_out(keeper: Keeper, tmp_path: Path) -> None:
    alone = tmp_path / "alone/rbee-keeper"
    alone.parent.mkdir()
    alone.write_bytes(KEEPER.read_bytes())

    code, out, _ = Keeper(keeper.home, keeper.queen, alone).run("install")

    assert code == 0
    assert "   ✅ rbee-keeper\n   ⚠️  rbee-hive (not found, skipping)\n" in out


def test_the_installed_copy_does_not_install_itself(keeper: Keeper) -> None:
    keeper.run("install")
    copy = keeper.home / ".local/bin/rbee-keeper"

    code, _, err = Keeper(keeper.home, keeper.queen, copy).run("install")

    assert (code, err) == (1, f"Error: Failed to copy {copy} to {copy}: it is the program that runs\n")


def test_the_programs_are_installed_for_the_system(keeper: Keeper) -> None:
    root = keeper.home / "root"

    code, out, _ = keeper.run("install", "--system", RBEE_ROOT=str(root))

    assert code == 0
    assert all((root / "usr/local/bin" / name).is_file() for name in NAMES)
    assert (root / "var/lib/rbee/models").is_dir()
    assert 'models_dir = "/var/lib/rbee/models"' in (root / "etc/rbee/config.toml").read_text()
    assert "shell profile" not in out


def test_without_the_right_to_write_sudo_is_suggested(keeper: Keeper) -> None:
    # Where not even root may make a directory.
    code, out, err = keeper.run("install", "--system", RBEE_ROOT="/sys")

    assert (code, out) == (1, "📦 Installing rbee binaries...\n")
    assert err == (
        "Error: Permission denied: cannot write to /sys/usr\nSuggestion: Use sudo: sudo rbee-keeper install --system\n"
    )
