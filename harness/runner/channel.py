"""The line over which an attempt tells the runner what happens: bytes of the attempt's own process, and of no other.

A fork of an attempt has the attempt's descriptors. So the kernel says with every piece which process has sent it, and
what others send is left unheard."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

# A line is one message; what an attempt tells is bounded long before (messages.py).
LONGEST_LINE = 64 * 2**20
PIECE = 2**18
# As much is read at a time: the runner has others to hear, too.
TURN = 2**20
CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid


class Unreadable(Exception):
    """What an attempt has told is no message; the text says why."""


class ChannelLost(Exception):
    """The attempt's end of the line is closed, or its descriptor is another file's now."""


def pair() -> tuple[socket.socket, socket.socket]:
    """The runner's end and the attempt's end."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.setblocking(False)
    theirs.setblocking(True)  # whatever the default limit of new sockets is
    return ours, theirs


class Ear:
    """The runner's end: hears the lines of the process `pid`."""

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self._channel, self._pid = channel, pid
        self._pieces: list[bytes] = []
        self._length = 0

    def lines(self) -> Iterator[bytes]:
        """What has come since the last time, as far as it is whole. Raises EOFError when nothing more will come, and
        Unreadable for a line without end."""
        heard = 0
        while heard < TURN:
            try:
                piece, ancillary, _, _ = self._channel.recvmsg(PIECE, socket.CMSG_SPACE(CREDENTIALS.size))
            except BlockingIOError:
                return
            except ConnectionResetError:
                piece, ancillary = b"", []
            if not piece:
                raise EOFError
            heard += len(piece)
            senders = [data for _, kind, data in ancillary if kind == socket.SCM_CREDENTIALS]
            if any(CREDENTIALS.unpack(sender)[0] == self._pid for sender in senders):
                yield from self._take(piece)

    def _take(self, piece: bytes) -> Iterator[bytes]:
        *whole, rest = piece.split(b"\n")
        if whole:
            yield b"".join([*self._pieces, whole[0]])
            yield from whole[1:]
            self._pieces, self._length = [], 0
        self._pieces.append(rest)
        self._length += len(rest)
        if self._length > LONGEST_LINE:
            raise Unreadable(f"a message of more than {LONGEST_LINE} bytes")


class Mouth:
    """The attempt's end. Only the process that has made it may speak."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._owner = os.getpid()
        self._file = os.fstat(channel.fileno()).st_ino

    @property
    def is_own(self) -> bool:
        """Whether this process is the attempt, and no fork of it."""
        return os.getpid() == self._owner

    def say(self, line: bytes) -> None:
        """Send a line. Raises ChannelLost, instead of writing into a file that has taken the descriptor's number."""
        try:
            if os.fstat(self._channel.fileno()).st_ino == self._file:
                self._channel.sendall(line + b"\n")
                return
        except OSError as error:
            raise ChannelLost(f"the attempt can tell the runner nothing more: {error}") from error
        raise ChannelLost("the attempt can tell the runner nothing more: its descriptor is another file's now")

    def await_answer(self) -> None:
        """Wait until the runner has shown what was told."""
        self._channel.recv(1)
