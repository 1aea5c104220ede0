"""Programs of this machine that would answer as a node."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from harness import ports
from harness.settings import SettingsError


@pytest.fixture
def everywhere() -> Iterator[int]:
    """A port at which this process listens, at every address."""
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield int(listening.getsockname()[1])


def test_a_port_of_rbee_s_that_is_taken_is_named_with_who_has_it(
    everywhere: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "RBEE_PORTS", {everywhere})

    with pytest.raises(
        SettingsError, match=rf"port {everywhere} by .* \(process {os.getpid()}\); .* 127\.0\.0\.1 only"
    ):
        ports.check_free()


def test_every_port_that_is_taken_is_named(everywhere: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        both = {everywhere, int(other.getsockname()[1])}
        monkeypatch.setattr(ports, "RBEE_PORTS", both)

        with pytest.raises(SettingsError) as refused:
            ports.check_free()

    assert all(f"port {port} by" in str(refused.value) for port in both)


FAMILIES = [socket.AF_INET, socket.AF_INET6] if socket.has_dualstack_ipv6() else [socket.AF_INET]


@pytest.mark.parametrize("family", FAMILIES)
def test_another_port_that_is_taken_everywhere_is_said(
    family: socket.AddressFamily, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "RBEE_PORTS", set())
    address = "::" if family == socket.AF_INET6 else "0.0.0.0"
    with socket.create_server((address, 0), family=family, dualstack_ipv6=family == socket.AF_INET6) as listening:
        ports.check_free()

        assert f"port {listening.getsockname()[1]}: " in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1", "127.77.1.1"])
def test_who_listens_at_an_address_of_his_own_is_nobody_else(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "RBEE_PORTS", set())
    with socket.create_server((address, 0)) as listening:
        ports.check_free()

        assert f"port {listening.getsockname()[1]}:" not in capsys.readouterr().err
