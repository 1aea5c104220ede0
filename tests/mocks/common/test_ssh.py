"""Logins that cannot be one: nothing of them reaches the network."""

from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from mocks.common import ssh
from mocks.common.ssh import Login

USUAL = {"host": "127.0.0.1", "port": 1, "user": "rbee", "key_path": None}


def failure(**changes: object) -> ssh.SshError:
    """How it fails to run a command with a login that is so."""
    with pytest.raises(ssh.SshError) as failed:
        ssh.run(Login(**{**USUAL, **changes}), "true", limit_s=10)  # type: ignore[arg-type]
    return failed.value


def test_an_address_where_nobody_listens_refuses() -> None:
    assert isinstance(failure(), ssh.SshRefused)


@pytest.mark.parametrize(
    "host",
    [
        *("", "a\nb", "a\r\nX: y", "a\0b", "😀", "a..b", ".a", "a b", "-a", "a-", "a/b", "a@b"),
        *(f"{'a' * 64}.b", ".".join(["abc"] * 100)),
    ],
)
def test_what_is_no_host_is_said_to_be_none(host: str) -> None:
    assert str(failure(host=host)) == f"{host!r} is no name of a host"


@pytest.mark.parametrize("user", ["", "a\nb", "a\0b", "a b", "u" * 256])
def test_what_is_no_user_is_said_to_be_none(user: str) -> None:
    assert str(failure(user=user)) == f"{user!r} is no name of a user"


@pytest.mark.parametrize("host", ["blep.home.arpa", "node_1", "BLEP", "a.", "::1", "127.0.0.1"])
def test_a_usual_host_is_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert isinstance(failure(host=host), ssh.SshRefused)


@pytest.mark.parametrize("path", ["/dev/zero", "a\0b", "/", "~nobody-of-that-name/key", "/no/such/key", "\n"])
def test_what_is_no_key_is_not_waited_for(path: str) -> None:
    failed = failure(key_path=path)

    assert not isinstance(failed, ssh.SshRefused | ssh.SshTimeout)


def test_a_key_without_an_end_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"-----BEGIN" * 10_000)

    assert "File too large" in str(failure(key_path=str(tmp_path / "key")))


@pytest.mark.parametrize("content", [b"", b"\0", b"no key", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    assert "cannot be read" in str(failure(key_path=str(tmp_path / "key")))


def test_a_key_with_a_passphrase(tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "key", "pkcs8-pem", passphrase="secret")

    assert "cannot be read" in str(failure(key_path=str(tmp_path / "key")))


def test_a_command_with_nul_is_not_run() -> None:
    with pytest.raises(ssh.SshError, match="nul byte"):
        ssh.run(Login(**USUAL), "a\0b", limit_s=10)  # type: ignore[arg-type]
