"""The warm parent: `python -m mocks.common.warm`, with a socket to the process that starts it as its standard input.

It has the stand-ins loaded, and forks one for each request that comes over the socket (`mocks.common.launch`). A fork
is a child of the process that asks, not of the warm parent: so its exit status goes where that of a program goes that
was exec'd, and the end of the warm parent harms none. It ends when its socket is closed."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import pkgutil
import platform
import select
import signal
import socket
import stat
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mocks.common import kernel
from mocks.common.launch import lean_on

REQUEST_BYTES = 1 << 20  # more than a Unix socket takes at once
STANDARD_FILES, MOST_NAMESPACES = 3, 3
READY, NO_FORK = b"ready", b"0"
PROGRAM_BYTES = 1 << 16  # far more than the file of a stand-in has
BIN = Path(__file__).parents[2] / "bin"
LAUNCHER = Path(__file__).with_name("launcher.py")
PROGRAMS = {
    "rbee-keeper": "mocks.keeper",
    "queen-rbee": "mocks.queen",
    "rbee-hive": "mocks.hive",
    "llm-worker-rbee": "mocks.worker",
}
GARBAGE = 10_000
"""How many new objects a fork may have before it looks for garbage among them: few stand-ins ever have as many."""
AT_NEED = ("asyncssh", "psutil", "yaml")
"""What stand-ins import only when they need it."""
LATE, WITH_LATE = ("numpy", "gguf"), ("mocks.hive", "mocks.worker")
"""What only workers need, and hives, which fork them. It is loaded while there is nothing to fork: the first program of
a run need not wait for it."""


@dataclass(frozen=True)
class Request:
    """What is to be started: see `mocks.common.launch.request`."""

    argv: list[str]
    cwd: str
    env: dict[str, str]

    @classmethod
    def read(cls, data: bytes) -> Request:
        """The request in a message. Raises ValueError when there is none in it."""
        count, *words = map(os.fsdecode, data.split(b"\0"))
        argv, cwd, variables = words[: int(count)], words[int(count)], words[int(count) + 1 :]
        pairs = (variable.partition("=") for variable in variables)
        return cls(argv, cwd, {name: value for name, _, value in pairs})


def main() -> int:
    """Load the stand-ins, say so, and fork them until the socket is closed. 1 where that is not possible."""
    if platform.machine() not in kernel.CLONE:
        known = ", ".join(kernel.CLONE)
        print(f"how a sibling is forked on {platform.machine()} is not known, only on {known}", file=sys.stderr)
        return 1
    kernel.end_with_parent()
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    gc.disable()  # what is loaded stays
    load()
    try:
        connection.send(READY)
    except BrokenPipeError:  # who wanted it is gone already
        return 0
    serve(connection)
    return 0


def load() -> None:
    """Import whatever a stand-in may import, but for what is loaded later, and rehearse what all of them do."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # what forks must have one thread
    for name in AT_NEED:
        importlib.import_module(name)
    for package in PROGRAMS.values():
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    importlib.import_module("mocks.common.rehearsal").rehearse()


@functools.cache
def stand_ins() -> dict[bytes, str]:
    """What is written in a stand-in's file, but for its first line: as it comes, and with the launcher before it → the
    package that it runs."""
    known = {}
    for name, package in PROGRAMS.items():
        own = (BIN / name).read_bytes().partition(b"\n")[2]
        known[own] = known[LAUNCHER.read_bytes() + own] = package
    return known


def package_of(path: Path) -> str | None:
    """The package that the program at `path` runs; None when the file is not one of ours, or cannot be run."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe is not waited for
    except (OSError, ValueError):
        return None
    with open(file, "rb") as opened:
        content = opened.read(PROGRAM_BYTES) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    return stand_ins().get(content.partition(b"\n")[2]) if os.access(path, os.X_OK) else None


def serve(connection: socket.socket) -> None:
    """Fork what is asked for, until the other end is closed."""
    stand_ins()
    gc.freeze()  # a collection in a fork would otherwise copy the pages of everything that is loaded
    late = [name for name in LATE if name not in sys.modules]
    has_forked = False
    while True:
        while late and has_forked and not select.select([connection], [], [], 0)[0]:
            load_late(late)
        data, files, _, _ = socket.recv_fds(connection, REQUEST_BYTES, STANDARD_FILES + MOST_NAMESPACES)
        if not data:
            return
        request = _understood(data)
        package = package_of(Path(request.cwd, request.argv[0])) if request is not None else None
        while late and package in WITH_LATE:
            load_late(late)
        if request is None or package is None or (fork := _forked_off()) is None:
            connection.send(NO_FORK)
        elif fork == 0:
            _become(request, package, files, connection)
        for file in files:
            os.close(file)
        has_forked = True


def _forked_off() -> int | None:
    """The process id of a fork, 0 in the fork itself; None when the system has no room for one."""
    try:
        return kernel.fork_sibling()
    except OSError:
        return None


def _understood(data: bytes) -> Request | None:
    """The request in a message; None when there is none in it, or none that can be carried out."""
    try:
        request = Request.read(data)
        return request if request.argv and os.path.isdir(request.cwd) else None
    except (ValueError, IndexError):
        return None


def load_late(late: list[str]) -> None:
    """Load the first of these modules, which is then none of them any more."""
    importlib.import_module(late.pop(0))
    gc.freeze()


def stay_warm() -> None:
    """To be called by a stand-in that starts others, before it has a second thread: if it was forked, it gets a warm
    parent of its own, a fork of it that waits. So what it starts is a child of it."""
    if not _forked:
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        _wait_in_the_background(theirs)
    theirs.close()
    lean_on(ours)


_forked = False  # whether this process is a fork of a warm parent


def _wait_in_the_background(connection: socket.socket) -> NoReturn:
    """The life of a stand-in's own warm parent. It holds none of the stand-in's files, and does not look like one."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        kernel.show_as(["warm parent"], {}, "warm parent")
        gc.disable()
        serve(connection)
    finally:
        os._exit(0)


def _become(request: Request, package: str, files: list[int], connection: socket.socket) -> NoReturn:
    """The fork's own life: become the program, say so, and end with it."""
    global _forked
    code, said = 1, False
    try:
        for standard, file in enumerate(files[:STANDARD_FILES]):
            os.dup2(file, standard)
        kernel.move_to(files[STANDARD_FILES:])
        os.chdir(request.cwd)
        os.environ.clear()
        os.environ.update(request.env)
        kernel.show_as([sys.executable, *request.argv], request.env, Path(request.argv[0]).name)
        sys.argv = list(request.argv)
        sys.path[0] = str(Path(request.argv[0]).parent)
        sys.modules["__main__"] = types.ModuleType("__main__")
        tempfile.tempdir = None  # what was found in another environment
        _forked = True
        lean_on(None)
        gc.set_threshold(GARBAGE)
        gc.enable()
        said = True
        connection.send(b"%d" % os.getpid())
        connection.detach()
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        code = run(importlib.import_module(f"{package}.cli").main)
    except BaseException:
        traceback.print_exc()
    finally:
        if not said:  # it is to be exec'd, then
            connection.send(NO_FORK)
        os._exit(code)


def run(program: Callable[[], object]) -> int:
    """Run a program as the interpreter does it to the end of the process, but for the dismantling of what is loaded,
    which takes longer than most programs. The exit code; Ctrl-C ends the process as it ends Python's own."""
    code = 0
    try:
        program()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code & 0xFF


if __name__ == "__main__":
    # Under its own name, which is also the one under which stand-ins know it.
    sys.exit(importlib.import_module("mocks.common.warm").main())
