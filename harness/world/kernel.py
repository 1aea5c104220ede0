"""What namespaces need of the kernel and Python 3.11 has no function for. Each raises OSError."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Sequence

NEW_MOUNTS, NEW_NAMES, NEW_USERS, NEW_NETWORK = 0x00020000, 0x04000000, 0x10000000, 0x40000000
"""Kinds of namespaces (linux/sched.h); `names` are what uname(2) says, a host's name among them."""
OWN_DIRECTORY = 0x200
"""CLONE_FS: root and working directory are shared with nobody."""

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # linux/sockios.h, linux/if.h
MS_REC, MS_SLAVE, MNT_DETACH = 1 << 14, 1 << 19, 2  # linux/mount.h
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000  # linux/fcntl.h
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442  # the same numbers on every machine of today
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH, MOUNT_ATTR_RDONLY = 1, 4, 1  # linux/mount.h
MOUNT_ATTR = struct.Struct("=QQQQ")  # struct mount_attr: to set, to clear, propagation, user namespace

CAPABILITY_VERSION = 0x20080522  # linux/capability.h: two words of each set
CAP_NET_ADMIN, CAP_SYS_CHROOT, CAP_SYS_ADMIN = 12, 18, 21
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2  # linux/prctl.h

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Call a function of the C library that says -1 when it fails."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(getattr(_libc, name)(*words))
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def unshare(kinds: int) -> None:
    """Have new namespaces of these kinds, or with OWN_DIRECTORY a root and a working directory of one's own."""
    _call("unshare", kinds)


def enter(namespace: int) -> None:
    """Go into the namespace that this file stands for: this thread alone."""
    _call("setns", namespace, 0)


def bring_loopback_up() -> None:
    """Have an address: 127.0.0.1, and with it all that begin with 127."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def let_mounts_come_but_not_go() -> None:
    """What is mounted on the machine from now on is seen here too; what is mounted here is not seen there."""
    _call("mount", None, b"/", None, MS_REC | MS_SLAVE, None)


def mount_memory(place: str) -> None:
    """Mount an empty file system in memory."""
    _call("mount", b"tmpfs", os.fsencode(place), b"tmpfs", 0, b"mode=755")


def clone_mount(source: str) -> int:
    """A file that stands for what `source` shows, mounts below it included; it is mounted nowhere yet."""
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC | AT_RECURSIVE
    return _call("syscall", OPEN_TREE, AT_FDCWD, os.fsencode(source), flags)


def set_read_only(tree: int, *, below: bool = True) -> None:
    """Let nobody write to what `clone_mount` gave or, with `below` False, to what is mounted where this directory is;
    what is mounted below it stays as it is."""
    wanted = MOUNT_ATTR.pack(MOUNT_ATTR_RDONLY, 0, 0, 0)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if below else 0)
    _call("syscall", MOUNT_SETATTR, tree, b"", flags, wanted, len(wanted))


def attach_mount(tree: int, place: str) -> None:
    """Mount what `clone_mount` gave at `place`, and close the file."""
    try:
        _call("syscall", MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(place), MOVE_MOUNT_F_EMPTY_PATH)
    finally:
        os.close(tree)


def change_root(root: str, old: str) -> None:
    """Have the file system that is mounted at `root` as the root, and nothing of the one before; `old` is an empty
    directory in it."""
    _call("pivot_root", os.fsencode(root), os.fsencode(f"{root}/{old}"))
    os.chdir("/")
    _call("umount2", os.fsencode(f"/{old}"), MNT_DETACH)
    os.rmdir(f"/{old}")


def lend(capabilities: Sequence[int]) -> None:
    """From now on hand these capabilities, which this process has, on to what it execs; and no others."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION, 0))
    held = ctypes.create_string_buffer(24)
    _call("capget", header, held)
    words = list(struct.unpack("=6I", held.raw[:24]))  # effective, permitted and inherited, low numbers first
    words[2], words[5] = sum(1 << each for each in capabilities), 0
    _call("capset", header, ctypes.create_string_buffer(struct.pack("=6I", *words)))
    for each in capabilities:
        _call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each, 0, 0)
