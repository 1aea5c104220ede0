"""Commands on a pool's machine, by the program ssh."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.keeper import cli, config, pool
from tests.mocks.keeper.scripted import Keeper

SSH = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit $(cat code)\n'


def put_ssh(home: Path, code: int) -> None:
    (home / "bin").mkdir()
    (home / "bin/ssh").write_text(SSH)
    (home / "bin/ssh").chmod(0o755)
    (home / "code").write_text(str(code))


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("models --host h download hf:m", "rbee-hive models download hf:m"),
        ("models --host h list", "rbee-hive models list"),
        ("models --host h catalog", "rbee-hive models catalog"),
        (
            "models --host h register id --name n --repo o/r --architecture llama",
            "rbee-hive models register id --name 'n' --repo 'o/r' --architecture llama",
        ),
        ("worker --host h spawn cuda --model m --gpu 1", "rbee-hive worker spawn cuda --model m --gpu 1"),
        ("worker --host h spawn cpu --model m", "rbee-hive worker spawn cpu --model m --gpu 0"),
        ("worker --host h list", "rbee-hive worker list"),
        ("worker --host h stop w", "rbee-hive worker stop w"),
        ("git --host h pull", "cd ~/llama-orch && git pull"),
        ("git --host h status", "cd ~/llama-orch && git status"),
        ("git --host h build", "cd ~/llama-orch && cargo build --release -p rbee-hive"),
        ("status --host h", "rbee-hive status"),
    ],
)
def test_commands(words: str, command: str) -> None:
    arguments = cli.parser().parse_args(["pool", *words.split()])

    assert pool.command(arguments, config.Remote()) == command


@pytest.mark.parametrize(("words", "command"), [("status", "/opt/hive status"), ("git", "cd /src && git status")])
def test_commands_use_what_the_configuration_says(words: str, command: str) -> None:
    arguments = cli.parser().parse_args(["pool", words, "--host", "h", *(["status"] if words == "git" else [])])

    assert pool.command(arguments, config.Remote("/opt/hive", "/src")) == command


def test_the_program_ssh_gets_host_and_command(keeper: Keeper, capfd: pytest.CaptureFixture[str]) -> None:
    put_ssh(keeper.home, 0)

    code, _, err = keeper.run("pool", "status", "--host", "mac")

    assert (code, err, capfd.readouterr().out) == (0, "", "mac\nrbee-hive status\n")


def test_a_command_that_fails_is_an_error(keeper: Keeper) -> None:
    put_ssh(keeper.home, 3)

    code, _, err = keeper.run("pool", "status", "--host", "mac")

    assert (code, err) == (1, "Error: SSH command failed\n")


def test_without_a_program_ssh(keeper: Keeper) -> None:
    code, _, err = keeper.run("pool", "status", "--host", "mac", PATH=str(keeper.home))

    assert (code, err) == (1, "Error: No such file or directory (os error 2)\n")
