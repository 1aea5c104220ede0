"""Who asks: the process at the other end of a connection to the network.

A node says too little: the user's program, the queen and a hive may all be on one. The kernel knows which socket stands
at the other end: its inode, by NETLINK_SOCK_DIAG. (/proc/net/tcp has it too, but takes a hundred times as long, for it
walks through every socket that there could be.) And `/proc/PID/fd` says which process of the stage holds it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.world.adoption import descendants
from harness.world.named import program_of

Address = tuple[str, int]
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1  # linux/netlink.h, linux/sock_diag.h
REQUEST = struct.Struct("=IHHII BBBBI")  # struct nlmsghdr, and struct inet_diag_req_v2 up to its socket
ENDS = struct.Struct("!HH16s16s")  # struct inet_diag_sockid: ports and addresses, …
ANY_INTERFACE_AND_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # … and the rest of it
ALL_STATES = 0xFFFFFFFF
ANSWER_BYTES = 4096
INODE_AT = 16 + 4 + 48 + 4 * 4  # in the answer: behind nlmsghdr, and behind what inet_diag_msg has before it
INODE = struct.Struct("=I")


@dataclass(frozen=True)
class Asker:
    """A process that asks. `program` is the one of rbee's in whose name it does, or its own where that is none;
    `parent` the one of rbee's that has started it, or none."""

    pid: int
    program: str
    argv: tuple[str, ...] = ()
    parent: str = ""


class Askers:
    """Finds the processes of one stage by the sockets that they hold.

    `roots` lists the living processes of the stage whose descendants are all others. `programs` are the names by which
    a process is looked for among those who have started it: a helper, such as ssh, asks in their name. `met` gets each
    that asks for the first time. `parent` says who has started a process, else the kernel does."""

    def __init__(
        self,
        roots: Callable[[], Sequence[int]],
        programs: Iterable[str],
        met: Callable[[Asker], None] = lambda _: None,
        parent: Callable[[int], int] | None = None,
    ) -> None:
        self._roots, self._programs, self._met = roots, frozenset(programs), met
        self._parent = parent or parent_of
        self._known: dict[int, Asker] = {}

    def find(self, sockets: Sockets, own: Address, peer: Address) -> Asker | None:
        """Who holds the other end, at `peer`, of a connection to `own`; None when nobody of the stage does, any
        more."""
        inode = sockets.inode(peer, own)
        if not inode:
            return None
        link = f"socket:[{inode}]"
        for pid in reversed(self._known):  # who has asked asks again
            if _holds(pid, link):
                self._known[pid] = self._known.pop(pid)
                return self._known[pid]
        for pid in descendants(self._roots()):
            if pid not in self._known and _holds(pid, link):
                self._known[pid] = Asker(pid, self._name(pid), tuple(_argv(pid)), self._name(self._parent(pid)))
                self._met(self._known[pid])
                return self._known[pid]
        return None

    def _name(self, pid: int) -> str:
        own, each = _program(pid), pid
        while each > 1:
            program = _program(each)
            if program in self._programs:
                return program
            each = self._parent(each)
        return own


class Sockets:
    """Asks the kernel about sockets, those of the network namespace in which this is made."""

    def __init__(self) -> None:
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)

    def close(self) -> None:
        """Ask no more."""
        self._netlink.close()

    def inode(self, own: Address, peer: Address) -> int:
        """The inode of the TCP socket at `own` that is connected to `peer`; 0 when there is none."""
        ends = ENDS.pack(own[1], peer[1], socket.inet_aton(own[0]), socket.inet_aton(peer[0]))
        size = REQUEST.size + len(ends) + len(ANY_INTERFACE_AND_COOKIE)
        head = (size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
        what = (socket.AF_INET, socket.IPPROTO_TCP, 0, 0, ALL_STATES)
        try:
            self._netlink.send(REQUEST.pack(*head, *what) + ends + ANY_INTERFACE_AND_COOKIE)
            answer = self._netlink.recv(ANSWER_BYTES)
        except OSError:
            return 0
        is_found = int.from_bytes(answer[4:6], "little") == SOCK_DIAG_BY_FAMILY
        return int(INODE.unpack_from(answer, INODE_AT)[0]) if is_found else 0


def _holds(pid: int, link: str) -> bool:
    """Whether the process holds this file. The newest files first: it has just been opened."""
    with suppress(OSError):
        for file in sorted(map(int, os.listdir(f"/proc/{pid}/fd")), reverse=True):
            with suppress(FileNotFoundError):
                if os.readlink(f"/proc/{pid}/fd/{file}") == link:
                    return True
    return False


def _program(pid: int) -> str:
    return program_of(_argv(pid))


def _argv(pid: int) -> list[str]:
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return os.fsdecode(file.read()).split("\0")[:-1]
    return []


def parent_of(pid: int) -> int:
    """The parent of a process, as the kernel knows it; 0 when the process is gone."""
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])
    return 0
