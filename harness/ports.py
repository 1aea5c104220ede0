"""rbee's ports on this machine. A stage's programs listen at addresses of their own (127.A.B.n), but with rbee's own
ports; a program that listens on all addresses has such a port everywhere."""

from __future__ import annotations

import errno
import socket

import psutil

from harness.settings import SettingsError

RBEE_PORTS = (8080, 9200, 8001, 3128)  # queen, hive, first worker, and the proxy of a stage's network
PROBED_ADDRESS = "127.255.255.254"  # no stage gets it


def check_free() -> None:
    """Raises SettingsError when a port of rbee's is taken on all addresses, with who has it and what to do."""
    for port in RBEE_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((PROBED_ADDRESS, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                raise SettingsError(
                    f"port {port} is taken on every address of this machine, by {_owner(port)}; the programs of a "
                    "scenario need it at addresses of their own: stop that program, or have it listen on 127.0.0.1 only"
                ) from error


def _owner(port: int) -> str:
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "a program of another user"
