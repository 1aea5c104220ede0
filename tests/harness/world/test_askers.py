"""Who asks, among the processes of a stage."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.world.askers import Askers, Sockets
from harness.world.named import program_of

ASKS = """
import socket, sys
asking = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
asking.recv(1)
"""
HAS_ASKED = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
PYTHON = program_of([sys.executable])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """What asks the kernel."""
    asking = Sockets()
    yield asking
    asking.close()


def test_the_process_at_the_other_end_is_found(listener: socket.socket, sockets: Sockets) -> None:
    port = str(listener.getsockname()[1])
    with subprocess.Popen([sys.executable, "-c", ASKS, port]) as process:
        connection, peer = listener.accept()
        found = Askers(lambda: [os.getpid()], []).find(sockets, connection.getsockname(), peer)
        connection.close()

    assert found is not None
    assert (found.pid, found.program) == (process.pid, PYTHON)


def test_who_asks_for_another_is_called_by_it(listener: socket.socket, sockets: Sockets) -> None:
    port = str(listener.getsockname()[1])
    with subprocess.Popen([sys.executable, "-c", HAS_ASKED, ASKS, port]) as process:
        connection, peer = listener.accept()
        found = Askers(lambda: [process.pid], [PYTHON]).find(sockets, connection.getsockname(), peer)
        connection.close()

    assert found is not None
    assert found.pid != process.pid
    assert found.program == PYTHON


def test_nobody_is_found_who_is_not_of_the_stage(listener: socket.socket, sockets: Sockets) -> None:
    with socket.create_connection(listener.getsockname()):
        connection, peer = listener.accept()
        with connection:
            assert Askers(list, []).find(sockets, connection.getsockname(), peer) is None


def test_a_connection_that_there_is_not_has_no_inode(sockets: Sockets) -> None:
    assert sockets.inode(("127.0.0.1", 1), ("127.0.0.1", 2)) == 0


def test_who_was_forked_for_another_is_his(listener: socket.socket, sockets: Sockets) -> None:
    port = str(listener.getsockname()[1])
    with (
        subprocess.Popen(["sleep", "60"]) as other,
        subprocess.Popen([sys.executable, "-c", ASKS, port]) as process,
    ):
        connection, peer = listener.accept()
        askers = Askers(lambda: [os.getpid()], [], parent=lambda pid: other.pid if pid == process.pid else 0)
        found = askers.find(sockets, connection.getsockname(), peer)
        connection.close()
        other.kill()

    assert found is not None
    assert found.parent == "sleep"
