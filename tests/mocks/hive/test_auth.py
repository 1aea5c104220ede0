"""Who may call a hive."""

from __future__ import annotations

import pytest

from mocks.common.errors import RbeeError
from mocks.hive import auth
from tests.mocks.hive.conftest import Machine


@pytest.mark.usefixtures("machine")
def test_node_without_config_has_no_key() -> None:
    assert auth.node_key() is None


def configure(machine: Machine, text: str) -> None:
    (machine.home / ".rbee").mkdir()
    (machine.home / ".rbee" / "config.yaml").write_text(text)


@pytest.mark.parametrize("text", ["", "api_key:\n", "other: 1\n", "- a list\n"])
def test_config_without_key_has_no_key(text: str, machine: Machine) -> None:
    configure(machine, text)

    assert auth.node_key() is None


@pytest.mark.parametrize(("text", "key"), [("api_key: secret\n", "secret"), ("api_key: 1234\n", "1234")])
def test_key_of_the_node(text: str, key: str, machine: Machine) -> None:
    configure(machine, text)

    assert auth.node_key() == key


def test_broken_config_opens_no_door(machine: Machine) -> None:
    configure(machine, "api_key: [")

    with pytest.raises(RbeeError, match=r"config\.yaml cannot be read as YAML"):
        auth.node_key()


def test_right_key_passes() -> None:
    auth.check("Bearer secret", ["other", "secret"])  # raises when it does not pass


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "MISSING_API_KEY"),
        ("Basic secret", "MISSING_API_KEY"),
        ("Bearer ", "MISSING_API_KEY"),
        ("Bearer wrong_key", "INVALID_API_KEY"),
        ("Bearer secretly", "INVALID_API_KEY"),
    ],
)
def test_other_callers_are_refused(authorization: str, code: str) -> None:
    with pytest.raises(RbeeError) as refused:
        auth.check(authorization, ["secret"])

    assert (refused.value.code, refused.value.status) == (code, 401)
