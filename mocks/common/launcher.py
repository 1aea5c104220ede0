# What the file of a stage's stand-in has before its own text. A shell execs that file; so, instead of importing all
# that a stand-in needs, it has the warm parent fork one, stands for it as long as that lives, and ends as it ended.
# What it imports itself is built into Python: it takes a tenth of what Flask takes.
import _signal  # type: ignore[import-not-found]
import _socket
import posix
import sys


def ask(address: bytes) -> None:
    """Ask for a fork, and end with it. Returns when there is none: the program is to be run by this process."""
    words = [str(len(sys.argv)), *sys.argv, posix.getcwd()]
    asked = [word.encode("utf-8", "surrogateescape") for word in words]
    asked += [name + b"=" + value for name, value in posix.environ.items()]
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in (0, 1, 2))
    world = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        world.connect(address)
        world.sendmsg([b"\0".join(asked)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
        pid = int(world.recv(64))
    except (OSError, ValueError):
        return
    if pid:
        stand_for(pid, world)


def stand_for(pid: int, world: _socket.socket) -> None:
    """Pass signals on to the fork, and end as it ends."""
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"):
        _signal.signal(getattr(_signal, name), lambda number, _: posix.kill(pid, number))
    code = int(world.recv(64) or -_signal.SIGKILL)
    if code < 0:
        if -code != _signal.SIGKILL:
            _signal.signal(-code, _signal.SIG_DFL)
        posix.kill(posix.getpid(), -code)
    posix._exit(code)


if b"RBEE_LAUNCHER" in posix.environ:
    ask(posix.environ[b"RBEE_LAUNCHER"])
__import__("site").main()
