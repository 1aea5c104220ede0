"""Where a process listens."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from harness import listening


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")]
)
def test_a_socket_that_listens_is_found_with_its_address(family: socket.AddressFamily, address: str) -> None:
    with socket.create_server((address, 0), family=family) as listener:
        assert (address, listener.getsockname()[1]) in listening.addresses(os.getpid())


def test_a_socket_that_does_not_listen_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as asker:
        ports = [port for _, port in listening.addresses(os.getpid())]

        assert asker.getsockname()[1] not in ports


def test_what_another_process_listens_at_is_not_ones_own() -> None:
    with socket.create_server(("127.0.0.1", 0)), subprocess.Popen(["sleep", "60"]) as other:
        found = listening.addresses(other.pid)
        other.kill()

    assert found == []


def test_a_process_that_is_gone_listens_nowhere() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()

    assert listening.addresses(gone.pid) == []
