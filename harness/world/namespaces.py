"""Namespaces: each node of a stage is a machine of its own, with all addresses and ports, its host name and its
system's directories. The world serves all of them, and hops between them to make sockets and to start programs.

A socket stays in the network in which it was made, a process in the namespaces in which it was started. So a hop is
short, and nobody is waited for in it; only the thread that hops is elsewhere meanwhile."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from harness.world import kernel

HOST = "world"  # the world's own host name
LENT = (kernel.CAP_SYS_ADMIN, kernel.CAP_SYS_CHROOT)  # what a warm parent needs to send its forks into namespaces
WRITABLE = ("dev", "proc", "sys")  # of the machine's directories, those that have their own ways to say who may write
OWN_PLACES = ("models", "tmp")  # directories of a node that a machine need not have
COVERED = {"etc": "etc", "usr/local": "usr-local"}
"""What of the machine's a node has a directory of its own for: and where the machine's is to be found below MACHINE."""
MACHINE = "machine"
OLD_ROOT = "old"


class Mount(NamedTuple):
    """A file or directory of the machine, and where it is to be seen on a node."""

    source: str
    place: str
    read_only: bool = False


class Home:
    """The namespaces of the world itself: to be made before this process has a second thread.

    An ordinary user has a user namespace too. There he is who he is, and this process alone may do what only root may
    do otherwise: what it execs has no capabilities. Raises OSError where that is not allowed."""

    def __init__(self) -> None:
        uid, gid = os.getuid(), os.getgid()
        self._is_users = uid != 0
        kinds = kernel.NEW_MOUNTS | kernel.NEW_NAMES | kernel.NEW_NETWORK
        kernel.unshare(kinds | (kernel.NEW_USERS if self._is_users else 0))
        if self._is_users:
            _write("setgroups", "deny")
            _write("uid_map", f"{uid} {uid} 1")
            _write("gid_map", f"{gid} {gid} 1")
        socket.sethostname(HOST)
        kernel.bring_loopback_up()
        kernel.let_mounts_come_but_not_go()
        self._own = _here()
        self._machine = self._rebuild_machine()

    def node(self, host: str, mounts: Iterable[Mount]) -> Namespaces:
        """Namespaces for a node of this host name, with these mounts in this order. Raises OSError."""
        trees = [(_tree(mount.source, mount.read_only), mount.place) for mount in mounts]
        with self.away():
            kernel.enter(self._machine)
            kernel.unshare(kernel.NEW_MOUNTS | kernel.NEW_NAMES | kernel.NEW_NETWORK)
            socket.sethostname(host)
            kernel.bring_loopback_up()
            for tree, place in trees:
                kernel.attach_mount(tree, place)
            return Namespaces(self, _here())

    @contextmanager
    def away(self) -> Iterator[None]:
        """A context in which this thread may go to all other namespaces; afterwards it is at home again."""
        directory = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            kernel.unshare(kernel.OWN_DIRECTORY)  # a thread may not go to other mounts with a root that others have too
            yield
        finally:
            for namespace in self._own:
                kernel.enter(namespace)
            os.fchdir(directory)
            os.close(directory)

    def return_to_network(self) -> None:
        """The end of a hop to another network."""
        kernel.enter(self._own[0])

    @contextmanager
    def lending(self, capabilities: Sequence[int]) -> Iterator[None]:
        """A context: what is exec'd in it has these capabilities, too. (A program of root's has them anyway.)"""
        if not self._is_users:
            yield
            return
        kernel.lend(capabilities)
        try:
            yield
        finally:
            kernel.lend(())

    def _rebuild_machine(self) -> int:
        """Make mounts of which those of each node are a copy: all that the machine has, but nobody may write there.
        The file that stands for them."""
        entries = [entry for entry in os.scandir("/") if entry.name not in OWN_PLACES]
        links = {entry.name: os.readlink(entry.path) for entry in entries if entry.is_symlink()}
        trees = []
        for name in (entry.name for entry in entries if entry.is_dir(follow_symlinks=False)):
            with suppress(OSError):  # there may be what nobody can mount twice; what is needed is found missing later
                trees.append((_tree(f"/{name}", name not in WRITABLE), name))
        trees += [(_tree(f"/{name}", True), f"{MACHINE}/{place}") for name, place in COVERED.items()]
        with self.away():
            kernel.unshare(kernel.NEW_MOUNTS)
            kernel.mount_memory("/tmp")
            for name, target in links.items():
                os.symlink(target, f"/tmp/{name}")
            for name in (*OWN_PLACES, OLD_ROOT):
                os.mkdir(f"/tmp/{name}")
            for tree, place in trees:
                os.makedirs(f"/tmp/{place}")
                kernel.attach_mount(tree, f"/tmp/{place}")
            kernel.change_root("/tmp", OLD_ROOT)
            root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            kernel.set_read_only(root, below=False)
            os.close(root)
            return _open("mnt")


class Namespaces:
    """A node's ground in namespaces of its own: see `harness.world.ground`."""

    is_own = True

    def __init__(self, home: Home, files: list[int]) -> None:
        self._home = home
        self.files = files
        self._network = os.fstat(files[0]).st_ino

    @contextmanager
    def network(self) -> Iterator[None]:
        kernel.enter(self.files[0])
        try:
            yield
        finally:
            self._home.return_to_network()

    @contextmanager
    def whole(self) -> Iterator[None]:
        with self._home.away():
            for file in self.files:
                kernel.enter(file)
            yield

    def holds(self, pid: int) -> bool:
        return os.stat(f"/proc/{pid}/ns/net").st_ino == self._network

    def close(self) -> None:
        while self.files:
            os.close(self.files.pop())


def _tree(source: str, read_only: bool) -> int:
    """What `kernel.attach_mount` takes."""
    tree = kernel.clone_mount(source)
    if read_only:
        kernel.set_read_only(tree)
    return tree


def _here() -> list[int]:
    """Files for the namespaces in which this thread is: its network first."""
    return [_open(kind) for kind in ("net", "uts", "mnt")]


def _open(kind: str) -> int:
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _write(name: str, text: str) -> None:
    Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
