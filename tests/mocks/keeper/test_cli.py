"""The keeper's command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mocks.keeper import cli
from tests.mocks.keeper.scripted import KEEPER, Keeper

INFER = ["infer", "--model", "hf:m", "--prompt", "p"]


def usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rbee-keeper", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_defaults_of_infer() -> None:
    arguments = cli.parser().parse_args([*INFER, "--node", "n"])

    assert (arguments.max_tokens, arguments.temperature, arguments.backend, arguments.device) == (20, 0.7, None, None)


def test_defaults_of_add_node() -> None:
    words = ["--name", "n", "--ssh-host", "h", "--ssh-user", "u", "--git-repo", "g", "--install-path", "i"]

    arguments = cli.parser().parse_args(["setup", "add-node", *words])

    assert (arguments.ssh_port, arguments.ssh_key, arguments.git_branch) == (22, None, "main")


@pytest.mark.parametrize("node", [[], ["--node", "localhost"]])
def test_an_ephemeral_inference_runs_on_this_machine(node: list[str]) -> None:
    arguments = cli.parser().parse_args([*INFER, "--ephemeral", *node])

    arguments.check(arguments)

    assert arguments.node == "localhost"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (INFER, "--node"),
        ([*INFER, "--ephemeral", "--node", "workstation"], "--node 'workstation'"),
        ([*INFER, "--node", "n", "--max-tokens", "4294967296"], "--max-tokens"),
        ([*INFER, "--node", "n", "--max-tokens", "5.0"], "--max-tokens"),
        ([*INFER, "--node", "n", "--temperature", "nan"], "--temperature"),
        ([*INFER, "--node", "n", "--device", "first"], "--device"),
        (["setup", "add-node", "--ssh-port", "65536"], "--ssh-port"),
        (["pool", "models", "catalog", "--host", "h"], "--host"),
        (["workers", "health"], "--node"),
    ],
)
def test_usage_errors_name_what_is_wrong(words: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(words, capsys)

    assert what in said.splitlines()[0]


@pytest.mark.parametrize("words", [[], ["setup"], ["pool", "models"]])
def test_a_missing_subcommand_gets_the_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(words, capsys)

    assert said.startswith("Usage: rbee-keeper")


def test_the_version(keeper: Keeper) -> None:
    code, out, err = keeper.run("--version", RBEE_VERSION="0.2.0")

    assert (code, out, err) == (0, "rbee-keeper 0.2.0\n", "")


def test_without_the_project_one_sentence_says_what_to_do() -> None:
    bare = subprocess.run([sys.executable, "-S", "-E", str(KEEPER), "-h"], capture_output=True, text=True, check=False)

    assert (bare.returncode, bare.stdout, bare.stderr.count("\n")) == (1, "", 1)
    assert bare.stderr.startswith("rbee-keeper: ")
    assert "bin/bdd-runner" in bare.stderr
