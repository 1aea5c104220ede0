"""The command line of rbee-hive: its words, and the commands that need no daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mocks.common.errors import RbeeError
from mocks.hive import cli
from tests.mocks.hive.conftest import Hands, Machine

pytestmark = pytest.mark.usefixtures("here")

REGISTER = ("models", "register", "tiny", "--name", "Tiny", "--repo", "org/tiny", "--architecture", "llama")


@pytest.fixture
def here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which the commands are given."""
    monkeypatch.chdir(machine.home)
    return machine.home


def run(*words: str) -> int:
    """The exit code of a command."""
    arguments = cli.parser().parse_args(words)
    return int(arguments.run(arguments))


def catalogued(here: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((here / ".test-models" / "catalog.json").read_text())
    return document


@pytest.mark.parametrize("words", [[], ["models"], ["worker"]])
def test_missing_command_shows_the_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(words)

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("Usage: rbee-hive")


@pytest.mark.parametrize(
    "words",
    [
        ["daemon", "--port", "65536"],
        ["daemon", "--port", "x"],
        ["daemon", "--port", "1", "--addr", "0.0.0.0:1"],
        ["daemon", "--port", "1", "--port", "2"],
        ["worker", "spawn", "quantum", "--model", "tiny"],
        ["worker", "spawn", "cuda"],
    ],
)
def test_wrong_use_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(words)

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(["--version"])

    assert (ended.value.code, capsys.readouterr().out) == (0, "rbee-hive 0.1.0\n")


@pytest.mark.parametrize("address", ["localhost:9200", "9200", "127.0.0.1", "::1:9200", "127.0.0.1:x", "[::1]:99999"])
def test_address_that_is_none(address: str) -> None:
    with pytest.raises(RbeeError, match=r"^invalid socket address syntax$"):
        run("daemon", "--addr", address)


def test_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 0

    assert capsys.readouterr().out.startswith("Status: OK\nPool ID: workstation.home.arpa\n")


def test_detect(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.has_cuda(7000, 8000)

    assert run("detect") == 0

    assert capsys.readouterr().out == (
        "Backend Detection Results:\n==========================\n\n"
        "Available backends: 2\n  - cpu: 1 device(s)\n  - cuda: 2 device(s)\n\n"
        "Total devices: 3\n\n"
        'Registry format:\n  backends: ["cpu","cuda"]\n  devices:  {"cpu":1,"cuda":2}\n'
    )


def test_registered_model_is_in_the_catalogue(here: Path, hands: Hands) -> None:
    assert run(*REGISTER) == 0

    assert hands.now_us == 1_728_508_603_000_000
    assert catalogued(here) == {
        "version": "1.0",
        "pool_id": "workstation.home.arpa",
        "updated_at": "2024-10-09T21:16:43Z",
        "models": [
            {
                "id": "tiny",
                "name": "Tiny",
                "path": ".test-models/tiny",
                "format": "safetensors",
                "size_gb": 0.0,
                "architecture": "llama",
                "downloaded": False,
                "backends": ["cpu", "metal", "cuda"],
                "metadata": {"repo": "org/tiny"},
            }
        ],
    }


def test_model_is_registered_once() -> None:
    run(*REGISTER)

    with pytest.raises(RbeeError, match="'tiny' is already registered"):
        run(*REGISTER)


def test_unregistered_model_is_gone(here: Path) -> None:
    run(*REGISTER)

    assert run("models", "unregister", "tiny") == 0

    assert catalogued(here)["models"] == []


@pytest.mark.parametrize("words", [("unregister", "tiny"), ("download", "tiny")])
def test_unknown_model_is_named(words: tuple[str, str]) -> None:
    with pytest.raises(RbeeError, match="'tiny' not found"):
        run("models", *words)


@pytest.mark.parametrize("text", ["{", "[]", '{"models": 1}'])
def test_broken_catalogue_is_named(text: str, here: Path) -> None:
    (here / ".test-models").mkdir()
    (here / ".test-models" / "catalog.json").write_text(text)

    with pytest.raises(RbeeError, match=r"catalog\.json .*mend it or move it away"):
        run("models", "list")


def test_empty_lists(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("models", "list"), ("models", "catalog"), ("worker", "list")):
        assert run(*words) == 0

    assert capsys.readouterr().out == "No models downloaded\nNo models registered\nNo workers running\n"


def test_download_runs_hf(here: Path, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.program("hf", f"printf '%s\\n' \"$@\" >{here}/words; mkdir .test-models/tiny; : >.test-models/tiny/x.json")
    run(*REGISTER)

    assert run("models", "download", "tiny") == 0

    assert (here / "words").read_text().splitlines() == [
        *("download", "org/tiny", "--include", "*.safetensors", "*.json", "tokenizer.model"),
        *("--local-dir", ".test-models/tiny"),
    ]
    capsys.readouterr()
    run("models", "list")
    assert capsys.readouterr().out.startswith("tiny  Tiny (llama, 0.0 GB, downloaded)\n")


def test_download_that_fails(machine: Machine) -> None:
    machine.program("hf", "exit 3")
    run(*REGISTER)

    with pytest.raises(RbeeError, match="hf ended with exit code 3"):
        run("models", "download", "tiny")


@pytest.mark.parametrize(
    "text",
    [
        '{"models": [' + "[" * 3000,
        '{"models": [{"id": "tiny"}]}',
        '{"models": ["tiny"]}',
        '{"models": [{"id": "", "name": "", "path": "", "size_gb": 0, "architecture": "", "downloaded": 0,'
        ' "metadata": 1}]}',
    ],
)
def test_a_catalogue_that_is_none_is_named(text: str, here: Path) -> None:
    (here / ".test-models").mkdir()
    (here / ".test-models" / "catalog.json").write_text(text)

    with pytest.raises(RbeeError, match="mend it or move it away"):
        run("models", "list")


def test_a_catalogue_without_an_end_is_not_read(here: Path) -> None:
    (here / ".test-models").mkdir()
    (here / ".test-models" / "catalog.json").symlink_to("/dev/zero")

    with pytest.raises(OSError, match="Not a regular file"):
        run("models", "list")


@pytest.mark.parametrize("model_id", ["../elsewhere", "/elsewhere"])
def test_a_model_s_files_lie_below_the_catalogue_s_directory(model_id: str, here: Path) -> None:
    with pytest.raises(RbeeError, match="outside"):
        run("models", "register", model_id, "--name", "n", "--repo", "r", "--architecture", "a")
