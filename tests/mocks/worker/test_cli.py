"""The command line of the worker: what it takes, and how it refuses the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.worker import cli

SOUND = {
    "--worker-id": "worker-abc123",
    "--model": "/models/m.gguf",
    "--port": "8001",
    "--callback-url": "http://h:9200/r",
}


def words(**changes: str | None) -> list[str]:
    """A sound command line with `changes`; None leaves an option out."""
    options = {**SOUND, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    return [word for name, value in options.items() if value is not None for word in (name, value)]


def test_what_is_required_is_enough() -> None:
    assert vars(cli.parser().parse_args(words())) == {
        "worker_id": "worker-abc123",
        "model": Path("/models/m.gguf"),
        "port": 8001,
        "callback_url": "http://h:9200/r",
        "backend": "cpu",
        "device": 0,
        "api_key": None,
    }


def test_backend_device_and_key_can_be_given() -> None:
    arguments = cli.parser().parse_args(words(backend="cuda", device="1", api_key="key-1"))

    assert (arguments.backend, arguments.device, arguments.api_key) == ("cuda", 1, "key-1")


@pytest.mark.parametrize("flag", ["cuda_device", "metal_device"])
def test_a_device_may_be_named_by_the_flag_of_its_backend(flag: str) -> None:
    assert cli.parser().parse_args(words(**{flag: "1"})).device == 1


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"worker_id": None}, "--worker-id"),
        ({"model": None}, "--model"),
        ({"port": None}, "--port"),
        ({"callback_url": None}, "--callback-url"),
        ({"port": "0"}, "0 is not in 1..=65535"),
        ({"port": "65536"}, "65536 is not in 1..=65535"),
        ({"port": "eight"}, "invalid digit found in string 'eight'"),
        ({"device": "x"}, "invalid digit found in string 'x'"),
        ({"device": "1", "cuda_device": "1"}, "cannot be used multiple times"),
        ({"backend": "quantum"}, "quantum"),
        ({"gpu": "0"}, "--gpu"),
    ],
)
def test_the_rest_is_a_usage_error(
    changes: dict[str, str | None], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(words(**changes))

    assert ended.value.code == 2
    assert what in capsys.readouterr().err


def test_it_has_no_version() -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(["--version"])

    assert ended.value.code == 2


def test_help_explains_the_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(["--help"])

    assert ended.value.code == 0
    assert "--callback-url" in capsys.readouterr().out
