"""How the nodes of a stage are kept apart: by namespaces, where the machine allows them, or by addresses of loopback.

Whether it does is found out by trying, in a process that is forked for that; beside whatever else starts."""

from __future__ import annotations

import dataclasses
import errno
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import programs
from harness.runner.options import Options, WrongUse
from harness.world.namespaces import Home, Mount

NODES = 2  # of a stage: features/topology.yaml; where they are addresses, each has its copies of programs
INSTALLED_COPIES = 3  # that programs may make of themselves: scenarios about installations and builds
WAYS = ("auto", "namespaces", "addresses")
DEFAULT = "auto"
ANSWER_BYTES = 4096
PROC = Path("/proc")


@dataclass(frozen=True)
class Isolation:
    """The way in which nodes are kept apart, `namespaces` or `addresses`, and why it is not the former. unmet: why
    programs of the user's are not met where they ignore HTTP_PROXY; empty where they are, and where there are none."""

    way: str
    why: str
    unmet: str = ""

    def __str__(self) -> str:
        what = "a machine of its own" if self.way == "namespaces" else "an address of this machine"
        unmet = f"; what a program of yours asks without HTTP_PROXY is not seen: {self.unmet}"
        return f"each node is {what} (isolation={self.way}){self.why and f': {self.why}'}{self.unmet and unmet}"


@dataclass(frozen=True)
class Failure:
    """What the kernel said when it was asked for namespaces: the number of the error, and its text."""

    number: int
    text: str


class Probe:
    """Tries whether this machine allows something. The attempt is under way as soon as this is made."""

    def __init__(self, attempt: Callable[[], None]) -> None:
        self._answer, answering = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _try_and_tell(attempt, answering)
        os.close(answering)

    def failure(self) -> Failure | None:
        """Wait for the end of the attempt; None when nothing failed."""
        with os.fdopen(self._answer, "rb") as answer:
            number, _, text = answer.read(ANSWER_BYTES).decode(errors="replace").partition(" ")
        _, status = os.waitpid(self._pid, 0)
        if status:
            return Failure(0, f"the process that tried it ended with {os.waitstatus_to_exitcode(status)}")
        return Failure(int(number), text) if number else None


def _try_and_tell(attempt: Callable[[], None], answering: int) -> None:
    """The life of the process that tries. It says nothing when nothing fails."""
    code = 1
    try:
        attempt()
        code = 0
    except OSError as error:
        os.write(answering, f"{error.errno or 0} {error.strerror or error}".encode())
        code = 0
    finally:
        os._exit(code)


def _make_node() -> None:
    """Make a node, and run a program there. Raises OSError."""
    node = Home().node("probe", [Mount("/usr/local", "/models", read_only=True)])
    with node.network():
        pass
    with node.whole():
        subprocess.run(["/bin/sh", "-c", "test -d /models"], check=True, env={}, cwd="/", stderr=subprocess.DEVNULL)


def _lead_connections() -> None:
    """Have the connections of a node's programs led to the world. Raises OSError."""
    from harness.world import direct  # it takes long to load, and most runs do without it

    home = Home()
    direct.lead(home, home.node("probe", []))


_probes: dict[Callable[[], None], Probe] = {}
_found: dict[Callable[[], None], Failure | None] = {}


def begin(userdata: Mapping[str, str]) -> Callable[[Options], Options]:
    """Find out, beside other work, how nodes can be kept apart; returns what applies that to the options of a run."""
    if _wanted(userdata) != "addresses":
        for attempt in [_make_node, *([_lead_connections] if programs.own(userdata) else [])]:
            _begin(attempt)
    return functools.partial(apply, userdata=userdata)


def _begin(attempt: Callable[[], None]) -> None:
    if attempt not in _probes:
        _probes[attempt] = Probe(attempt)


def choose(userdata: Mapping[str, str]) -> Isolation:
    """The way for this run, as `-D isolation=` wants it and the machine allows it. Raises WrongUse for a way that it
    does not allow, or that there is not."""
    wanted = _wanted(userdata)
    if wanted == "addresses":
        return Isolation("addresses", "as -D isolation=addresses says")
    begin(userdata)
    failure = _failure(_make_node)
    if failure is None:
        unmet = _failure(_lead_connections) if programs.own(userdata) else None
        return Isolation("namespaces", "", unmet.text if unmet else "")
    why = reason(failure)
    if wanted == "namespaces":
        raise WrongUse(f"-D isolation=namespaces: {why}")
    return Isolation("addresses", why)


def _failure(attempt: Callable[[], None]) -> Failure | None:
    """What became of an attempt that was begun."""
    if attempt not in _found:
        _found[attempt] = _probes[attempt].failure()
    return _found[attempt]


def apply(chosen: Options, userdata: Mapping[str, str]) -> Options:
    """The options of a run, now that it is known how nodes are kept apart. By addresses only programs are that know of
    that: with one of the user's own, scenarios run one at a time, unless he says how many. Raises WrongUse."""
    found = choose(userdata)
    text, jobs = str(found), chosen.jobs
    own = programs.own(userdata)
    if own and found.way == "addresses" and jobs > 1 and "jobs" not in userdata:
        jobs = 1
        text += (
            f"; one scenario at a time, for the {next(iter(own))} is yours, and one that listens on all addresses "
            "would be in the way of another (if it knows RBEE_BIND_HOST, -D jobs=N runs N)"
        )
    size = sum(path.stat().st_size for path in own.values())
    copies = INSTALLED_COPIES + (NODES * jobs if found.way == "addresses" else 0)
    return dataclasses.replace(chosen, jobs=jobs, isolation=text, programs_bytes=copies * size)


def _wanted(userdata: Mapping[str, str]) -> str:
    wanted = userdata.get("isolation", DEFAULT)
    if wanted not in WAYS:
        raise WrongUse(f"-D isolation={wanted}: use one of: {', '.join(WAYS)}")
    return wanted


def reason(failure: Failure, *, uid: int | None = None, proc: Path = PROC) -> str:
    """Why this machine allows no namespaces, and what to do about it, in words; `proc` is what the kernel says of the
    machine, `uid` whose process this is."""
    is_root = (os.getuid() if uid is None else uid) == 0
    told = f"(it says: {failure.text})"
    if failure.number == errno.ENOSPC:
        limits = ", ".join(f"user.{each.name}" for each in sorted((proc / "sys/user").glob("max_*_namespaces")))
        return f"a limit allows no more namespaces; raise it with sysctl, here or on what this runs in: {limits} {told}"
    if failure.number == errno.ENOSYS:
        return f"this kernel is too old, or a filter hides what it can: Linux 5.12 is needed {told}"
    if _is_chroot(proc):
        return f"this runs in a chroot, in which there are none; use a container, or the machine itself {told}"
    if failure.number in (errno.EPERM, errno.EACCES):
        return f"{_forbidden(is_root, proc)} {told}"
    if failure.number == errno.EINVAL and not is_root:
        return f"this kernel has no user namespaces, without which only root may have others: run as root {told}"
    return f"this machine does not allow namespaces {told}"


def _forbidden(is_root: bool, proc: Path) -> str:
    """Who forbids namespaces, and what to do."""
    for name, forbidding, allowing in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
    ):
        if not is_root and _read(proc / "sys" / name) == forbidding:
            sysctl = name.replace("/", ".")
            return (
                f"ordinary users may have none on this machine, for {sysctl} is {forbidding}: "
                f"sudo sysctl -w {sysctl}={allowing}, or run as root"
            )
    if "\nSeccomp:\t2\n" in f"\n{_read(proc / 'self/status')}\n":
        return (
            "a filter of the container in which this runs forbids them: start it with --cap-add SYS_ADMIN and "
            "--security-opt seccomp=unconfined"
        )
    if is_root:
        return "root has not all its rights here, as in a container: start that with --cap-add SYS_ADMIN"
    return "ordinary users may have none here: run as root"


def _is_chroot(proc: Path) -> bool:
    """Whether the root directory is one in the middle of a file system."""
    mounts = [line.split() for line in _read(proc / "self/mountinfo").splitlines()]
    return bool(mounts) and all(fields[4] != "/" for fields in mounts)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def lacking() -> dict[str, str]:
    """Why this machine cannot do what it should: keep nodes apart by `namespaces`, and have it seen what a program of
    the user's connects to directly. Empty where it can."""
    for attempt in (_make_node, _lead_connections):
        _begin(attempt)
    failure, unmet = _failure(_make_node), _failure(_lead_connections)
    why = reason(failure) if failure else ""
    return {"namespaces": why, "direct": why or (unmet.text if unmet else "")}


def main() -> int:
    """Say what cannot be tried on this machine, and why; the exit code is 1 when there is such a thing."""
    why = lacking()
    if why["namespaces"]:
        print(f"nodes that are machines of their own: {why['namespaces']}")
    elif why["direct"]:
        print(f"programs that do not ask by way of HTTP_PROXY: {why['direct']}")
    return int(any(why.values()))


if __name__ == "__main__":
    sys.exit(main())
