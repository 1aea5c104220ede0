"""What a warm parent needs of the kernel and Python has no function for: a fork that becomes a sibling, and a process's
command line and environment as `/proc` shows them. Linux on x86-64 and 64-bit ARM."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

CLONE = {"x86_64": 56, "aarch64": 220}
"""The number of the system call clone(2) by machine."""
CLONE_PARENT = 0x8000
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_MM, PR_SET_MM_MAP = 1, 15, 35, 14
"""prctl(2); with PR_SET_MM_MAP no privilege is needed."""
CAPABILITY_VERSION, CAPABILITY_HEADER, CAPABILITY_BYTES = 0x20080522, struct.Struct("=Ii"), 24
"""capset(2): the version of two words a set, and the size of the three sets."""
MEMORY_MAP = struct.Struct("11QQIi")
"""`struct prctl_mm_map` of linux/prctl.h."""
PLACES = (26, 27, 45, 46, 47, 28)
"""Fields of `/proc/PID/stat` (proc(5)): start and end of code and of data, start of the heap and of the stack."""

_python = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock, which a fork must
_python.sbrk.restype = ctypes.c_void_p
_shown: ctypes.Array[ctypes.c_char] | None = None  # what the kernel shows of this process lies here


def fork_sibling() -> int:
    """As os.fork(), but the new process is a child of this one's parent: a sibling. Raises OSError.

    This process must have one thread."""
    ctypes.pythonapi.PyOS_BeforeFork()
    pid: int = _python.syscall(CLONE[platform.machine()], CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    error = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, os.strerror(error))
    return pid


def move_to(namespaces: Sequence[int]) -> None:
    """Go into the namespaces that these files stand for, and have no capabilities there, unless one is root. Nothing is
    done where there are none. Raises OSError."""
    for namespace in namespaces:
        if _python.setns(namespace, 0):
            raise _error("setns")
    if namespaces and os.geteuid():
        header = CAPABILITY_HEADER.pack(CAPABILITY_VERSION, 0)
        if _python.capset(header, bytes(CAPABILITY_BYTES)):
            raise _error("capset")


def _error(call: str) -> OSError:
    error = ctypes.get_errno()
    return OSError(error, f"{call}: {os.strerror(error)}")


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as its parent ends."""
    _python.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def show_as(argv: Sequence[str], env: Mapping[str, str], name: str) -> None:
    """Have `/proc` show this command line, this environment and this name of the process. Raises OSError."""
    global _shown
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    variables = b"".join(os.fsencode(f"{key}={value}") + b"\0" for key, value in env.items())
    shown = ctypes.create_string_buffer(words + variables)
    stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    places = [int(stat[field - 3]) for field in PLACES]  # the rest begins with field 3
    at = ctypes.addressof(shown)
    ends = [at, at + len(words), at + len(words), at + len(words) + len(variables)]
    asked = MEMORY_MAP.pack(*places[:5], _python.sbrk(0), places[5], *ends, 0, 0, -1)
    if _python.prctl(PR_SET_MM, PR_SET_MM_MAP, asked, len(asked), 0):
        raise _error("prctl(PR_SET_MM_MAP)")
    _shown = shown
    _python.prctl(PR_SET_NAME, os.fsencode(name), 0, 0, 0)
