"""The keeper's settings: which file counts, and what a broken one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.common.errors import RbeeError
from mocks.keeper import config

USERS = ".config/rbee/config.toml"


def write(path: Path, binary: str, *, more: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'[pool]\nname = "p"\nlisten_addr = "a"\n[paths]\nmodels_dir = "m"\ncatalog_db = "c"\n'
        f'[remote]\nbinary_path = "{binary}"\n{more}'
    )


@pytest.fixture
def files(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setenv("RBEE_ROOT", str(home / "root"))
    return {"chosen": home / "chosen.toml", "user": home / USERS, "system": home / "root/etc/rbee/config.toml"}


def test_without_a_file_the_defaults_apply(files: dict[str, Path]) -> None:
    assert not any(path.exists() for path in files.values())

    assert config.remote() == config.Remote("rbee-hive", "~/llama-orch")


@pytest.mark.parametrize(
    ("present", "wins"),
    [(["system"], "system"), (["system", "user"], "user"), (["system", "user", "chosen"], "chosen")],
)
def test_the_nearest_file_wins(
    files: dict[str, Path], present: list[str], wins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in present:
        write(files[name], name)
    if "chosen" in present:
        monkeypatch.setenv("RBEE_CONFIG", str(files["chosen"]))

    assert config.remote().binary_path == wins


def test_the_git_directory_is_read_too(files: dict[str, Path]) -> None:
    write(files["user"], "b", more='git_repo_dir = "~/src"\nother = 1\n')

    assert config.remote() == config.Remote("b", "~/src")


def test_a_file_without_the_section_gives_the_defaults(files: dict[str, Path]) -> None:
    write(files["user"], "b")
    files["user"].write_text(files["user"].read_text().partition("[remote]")[0])

    assert config.remote() == config.Remote()


@pytest.mark.parametrize("chosen", ["", "missing.toml"])
def test_a_chosen_file_that_is_not_there_has_no_substitute(
    files: dict[str, Path], chosen: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(files["user"], "user")
    monkeypatch.setenv("RBEE_CONFIG", chosen)

    assert config.remote() == config.Remote()
    assert capsys.readouterr().err.startswith("Warning: configuration ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "Expected '='"),
        ('[pool]\nname = "p"\n', "`listen_addr`"),
        ('[pool]\nname = "p"\nlisten_addr = "a"\n[paths]\nmodels_dir = 1\ncatalog_db = "c"\n', "`models_dir`"),
        ("\udcff", "decode"),
    ],
)
def test_a_broken_file_counts_as_none_and_is_named(
    files: dict[str, Path], text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files["user"].parent.mkdir(parents=True)
    files["user"].write_bytes(text.encode("utf-8", "surrogateescape"))

    assert config.remote() == config.Remote()
    said = capsys.readouterr().err
    assert str(files["user"]) in said
    assert reason in said


@pytest.mark.parametrize(("more", "reason"), [("binary_path = 5", "[remote] holds texts only"), ("= 1", "Invalid")])
def test_a_broken_section_is_named(
    files: dict[str, Path], more: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(files["user"], "b")
    files["user"].write_text(files["user"].read_text().replace('binary_path = "b"', more))

    assert config.remote() == config.Remote()
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "key"), [("api_key: secret", "secret"), ("api_key: 12", "12"), ("a: b", None), ("", None)]
)
def test_the_api_key(home: Path, text: str, key: str | None) -> None:
    (home / ".rbee").mkdir()
    (home / ".rbee/config.yaml").write_text(text)

    assert config.api_key() == key


def test_without_a_file_there_is_no_api_key(home: Path) -> None:
    assert not (home / ".rbee").exists()

    assert config.api_key() is None


@pytest.mark.parametrize("text", ["api_key: [", "api_key: schlüssel", 'api_key: "a\\nb"'])
def test_an_api_key_that_cannot_be_used_is_an_error_that_names_the_file(home: Path, text: str) -> None:
    (home / ".rbee").mkdir()
    (home / ".rbee/config.yaml").write_text(text)

    with pytest.raises(RbeeError, match=r"\.rbee/config\.yaml"):
        config.api_key()
