"""The world process: `python -m harness.world PARENT [warm] [namespaces] [direct]`, with a listening Unix socket as its
standard input. Started by the harness, once for a run; it ends with its parent, whose process id it is told."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import stat
import sys

from harness.world import warm_process
from harness.world.namespaces import Home

WORDS = {"warm", "namespaces", "direct"}
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
DESCRIPTORS = 1 << 14  # a stage comes to 4,000 at most: connections, clock lines, launchers


def main() -> int:
    """Serve stages until SIGTERM, SIGINT, or the end of the parent. Its own files lie in the working directory.

    With the word `warm` the stand-ins are forked from a warm parent instead of being exec'd; with `namespaces` each
    node has its own; with `direct` what programs of the user's connect to there directly is witnessed, too."""
    parent, *words = sys.argv[1:] or [""]
    if not parent.isdecimal() or not WORDS.issuperset(words) or not stat.S_ISSOCK(os.fstat(0).st_mode):
        known = "[warm] [namespaces] [direct]"
        usage = f"Usage: python -m harness.world PARENT {known} (the harness starts it, with a socket)"
        print(usage, file=sys.stderr)
        return 2
    leave_terminal()
    become_subreaper()
    raise_descriptor_limit()
    home = Home() if "namespaces" in words else None
    started = warm_process.start(home) if "warm" in words else None
    # Imported beside the warm parent, which loads for as long.
    from harness.world import service

    service.run(int(parent), started, home, leads="direct" in words)
    return 0


def leave_terminal() -> None:
    """Have a session of one's own: Ctrl+C and a closed terminal are for the runner, which then ends the world in
    order."""
    with contextlib.suppress(PermissionError):  # who was started by hand leads a process group already
        os.setsid()


def raise_descriptor_limit() -> None:
    """Have room for what the programs of several stages may open here, each stage as much as it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def become_subreaper() -> None:
    """Have processes whose parent dies become children of this one, so that what a stage left behind is still seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


if __name__ == "__main__":
    code = main()
    # Everything is closed: to dismantle what is loaded would take longer than all of that.
    sys.stderr.flush()
    os._exit(code)
