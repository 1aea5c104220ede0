"""Who on this machine would answer as a node. A stage's programs listen at addresses of their own (127.A.B.n), but with
rbee's own ports; a program that listens on all addresses has its port at those, too."""

from __future__ import annotations

import errno
import socket
import sys

import psutil

from harness import listening
from harness.settings import SettingsError

# Queen, hive, workers, and the proxy of a stage's network.
RBEE_PORTS = {8080, 9200, *range(8001, 8010), 3128}
PROBED_ADDRESS = "127.255.255.254"  # no stage gets it


def check_free() -> None:
    """See that no program of this machine has rbee's ports, and say on stderr which have others, at every address.

    Raises SettingsError when a port of rbee's is taken on all addresses, with who has it and what to do."""
    taken = {port for port in _listening() if _is_taken(port)}
    if not taken:
        return
    owners = _owners()
    told = {port: owners.get(port, "a program of another user") for port in sorted(taken)}
    ours = [f"port {port} by {owner}" for port, owner in told.items() if port in RBEE_PORTS]
    if ours:
        raise SettingsError(
            f"taken on every address of this machine: {', '.join(ours)}; the programs of a scenario need "
            "these ports at addresses of their own: stop what has them, or have it listen on 127.0.0.1 only"
        )
    listed = ", ".join(f"port {port}: {owner}" for port, owner in told.items())
    print(f"note: these answer at every address, and so as any node of a scenario too: {listed}", file=sys.stderr)


def _listening() -> set[int]:
    """The ports that somebody listens at who names no address, as the kernel tells."""
    return {port for (address, port), _ in listening.sockets() if address in ("0.0.0.0", "::")}


def _is_taken(port: int) -> bool:
    """Whether such a port is taken at an address where nobody of ours listens; a listener may be for IPv6 only."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((PROBED_ADDRESS, port))
        except PermissionError:  # of the ports below 1024 only root is told more
            return True
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
    return False


def _owners() -> dict[int, str]:
    """The programs that listen, by port, as far as this user may see them."""
    owners = {}
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.pid:
            try:
                name = psutil.Process(connection.pid).name()
            except psutil.NoSuchProcess:
                continue
            owners[connection.laddr.port] = f"{name} (process {connection.pid})"
    return owners
