"""At which addresses a process, or anybody, listens, wherever that is: a process's own view of the network says so.
(What psutil reads is the view of the one who asks; of a process in another network namespace it says that it listens
nowhere.)"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress

LISTENS = "0A"  # its state in /proc/net/tcp: include/net/tcp_states.h


def addresses(pid: int) -> list[tuple[str, int]]:
    """The address and port of each TCP socket at which the process listens, lowest ports first. None for one that is
    gone, or may not be looked at."""
    held = _sockets(pid)
    return sorted({place for place, inode in sockets(pid) if inode in held}, key=lambda each: (each[1], each[0]))


def sockets(pid: int | str = "self") -> Iterator[tuple[tuple[str, int], str]]:
    """The address and port, and the inode, of each TCP socket that listens in the network in which the process
    lives. None for one that is gone."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError), open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
            next(lines)
            for fields in (line.split() for line in lines):
                if fields[3] == LISTENS:
                    yield _address(fields[1]), fields[9]


def _sockets(pid: int) -> set[str]:
    """The inodes of the process's sockets."""
    found = set()
    with suppress(OSError):
        for file in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                kind, _, inode = os.readlink(f"/proc/{pid}/fd/{file}").partition(":[")
                if kind == "socket":
                    found.add(inode.removesuffix("]"))
    return found


def _address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` is 127.0.0.1 and 8080: words of four bytes in the machine's order."""
    words, _, port = text.partition(":")
    packed = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)
