"""What a node is made of: its directories, its programs, its tools and the environment of whatever runs there.

The layout is that of docs/design.md, "A stage on disk and on the network"; nothing lies outside a node's directory."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import stat
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.world import STAND_INS, furniture
from harness.world.keys import Keys
from harness.world.namespaces import OWN_PLACES, Mount
from harness.world.topology import PROXY_PORT, Node, Stage

PROJECT = Path(__file__).resolve().parents[2]
LAUNCHER = PROJECT / "mocks" / "common" / "launcher.py"
TOOLS = Path(__file__).parent / "tools"
CONNECT = Path(__file__).with_name("connect.py")
HIVE, WORKER = "rbee-hive", "llm-worker-rbee"
KEEPER, REAL_KEEPER = "rbee-keeper", "rbee"  # a real one has another name, by which `install` looks for it
FACT_BYTES = 4096  # a fact is a word, or a few
REGISTRY = "home/.rbee/beehives.db"  # docs/contract.md, section 1.1
INSTALLED = "home/rbee"  # of an installed node: rbee's install path is ~/rbee
RELEASE = f"{INSTALLED}/target/release"
OWN_DIRECTORIES = {
    "root/etc": "/etc",
    "root/usr/local": "/usr/local",
    "root/var/lib": "/var/lib",
    "root/models": "/models",
    "shm": "/dev/shm",
    "tmp": "/tmp",
}
"""Of a node that has a ground of its own, and where they are there: nothing else can be written, but the stage's."""

DIRECTORIES = (
    "",
    "bin",
    "facts",
    "home",
    "home/.ssh",
    "root",
    "root/etc",
    "root/models",
    "root/usr",
    "root/usr/local",
    "root/usr/local/bin",
    "root/var",
    "root/var/lib",
    "shm",
    "store",
    "tmp",
)


@dataclass(frozen=True)
class Contents:
    """What nodes hold. `programs` says for each of the four which binary of the user's it is, or None for our stand-in,
    which with `launchers` lets itself be forked. Nodes with an `own_ground` get furniture, and the user's binaries are
    mounted there instead of being copied. `hosts` are addresses by the names for which programs know them."""

    programs: Mapping[str, Path | None]
    keys: Keys
    hosts: Mapping[str, str]
    launchers: bool = False
    own_ground: bool = False


def build(node: Node, contents: Contents) -> None:
    """Make the node on disk; the directory above its own must exist. Raises OSError when a binary cannot be copied."""
    programs = contents.programs
    for name in DIRECTORIES:
        os.makedirs(f"{node.directory}/{name}", exist_ok=True)
    for name, content in _tools().items():
        _write(f"{node.directory}/bin/{name}", content, 0o755)
    for name in programs:
        _store(f"{node.directory}/store/{name}", name, contents)
        for place in _names(node, name, programs[name]):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with contextlib.suppress(FileExistsError):  # mounts are on it: a node that is made anew
                os.link(f"{node.directory}/store/{name}", place)
    if contents.own_ground:
        furniture.lay(node, contents.hosts)
    _write_facts(node)
    _write_ssh(f"{node.directory}/home/.ssh", contents.keys)
    if node.facts.installed:
        os.makedirs(f"{node.directory}/home/rbee/.git", exist_ok=True)
        _write(f"{node.directory}/home/rbee/Cargo.toml", b"")


def mounts(node: Node, stage: Path, programs: Mapping[str, Path | None]) -> list[Mount]:
    """What is to be mounted on a node that has a ground of its own, in this order: its own directories, what is needed
    of the machine and would be covered by them, and the binaries of the user's. Raises OSError."""
    own = [
        Mount(f"{node.directory}/{name}", place)
        for name, place in OWN_DIRECTORIES.items()
        if place.strip("/") in OWN_PLACES or os.path.isdir(place)
    ]
    needed = {str(PROJECT), sys.prefix, sys.base_prefix}
    covered = [Mount(path, path, read_only=True) for path in sorted(needed) if _on_disk(node, path) is not None]
    for path in [*(each.place for each in covered), str(stage)]:
        if (mount_point := _on_disk(node, path)) is not None:
            os.makedirs(mount_point, exist_ok=True)
    binaries = [
        Mount(str(binary), place, read_only=True)
        for name, binary in programs.items()
        if binary is not None
        for place in [f"{node.directory}/store/{name}", *_names(node, name, binary)]
    ]
    return [*own, *covered, Mount(str(stage), str(stage)), *binaries]


def rebuild(node: Node, contents: Contents, mounted: Iterable[Mount]) -> None:
    """Make the node on disk anew, but for the queen's registry of nodes, which a queen that lives on goes on using; and
    for what is mounted, or mounted on, which stays and is emptied. Raises OSError."""
    registry = node.directory / REGISTRY
    content = registry.read_bytes() if registry.exists() else None
    kept = {path for mount in mounted for path in (mount.source, mount.place, _on_disk(node, mount.place)) if path}
    _clear(str(node.directory), kept)
    build(node, contents)
    if content is not None:
        registry.parent.mkdir(exist_ok=True)
        registry.write_bytes(content)


def strip(node: Node, programs: Mapping[str, Path | None]) -> None:
    """Remove the copies of the user's binaries from a node that is kept for people to look at: builds are large."""
    for name in (name for name, binary in programs.items() if binary is not None and not node.ground.is_own):
        for path in [f"{node.directory}/store/{name}", *_names(node, name, programs[name])]:
            with contextlib.suppress(OSError):  # a program has removed it, or put something else there
                os.unlink(path)


def _on_disk(node: Node, place: str) -> str | None:
    """Where a place lies that is in one of the node's own directories; None for another."""
    for name, own in OWN_DIRECTORIES.items():
        if place.startswith(f"{own}/"):
            return f"{node.directory}/{name}{place.removeprefix(own)}"
    return None


def _clear(directory: str, kept: Collection[str]) -> None:
    """Remove all that is in a directory, but for the files and directories `kept`."""
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            _clear(entry.path, kept)
            if entry.path not in kept:
                with contextlib.suppress(OSError):  # not empty: it holds something that is kept
                    os.rmdir(entry.path)
        elif entry.path not in kept:
            os.unlink(entry.path)


def _names(node: Node, program: str, binary: Path | None) -> list[str]:
    """The other names that a program of the store has on the node."""
    found = [f"bin/{program}"]
    if program == KEEPER and binary is not None:
        found.append(f"bin/{REAL_KEEPER}")
    if node.facts.installed:
        found.append(f"{RELEASE}/{program}")
        if program in (HIVE, WORKER):
            found.append(f"{INSTALLED}/{program}")
    return [f"{node.directory}/{name}" for name in found]


def environment(node: Node, stage: Stage) -> dict[str, str]:
    """The whole environment of a program on this node, which has an address by now: docs/design.md has the list.

    The node's version is read from its fact `version`, so a scenario may change it before it starts a program."""
    home = node.directory / "home"
    proxy = f"http://{node.address}:{PROXY_PORT}"
    variables = {
        "PATH": f"{node.directory}/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": f"{node.directory}/tmp",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_STATE_HOME": f"{home}/.local/state",
        "XDG_RUNTIME_DIR": f"{node.directory}/tmp",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "RBEE_NODE_HOST": node.host,
        "RBEE_BDD_STAGE": stage.mark,
    }
    if not node.ground.is_own:
        variables["RBEE_BIND_HOST"] = node.address
        variables["RBEE_ROOT"] = f"{node.directory}/root"
    if stage.clock_path:
        variables["RBEE_CLOCK"] = str(stage.clock_path)
    if stage.launcher_path:
        variables["RBEE_LAUNCHER"] = str(stage.launcher_path)
    variables |= stage.variables
    version = _fact(node, "version")
    if version is not None:
        variables["RBEE_VERSION"] = version
    return variables


def _fact(node: Node, name: str) -> str | None:
    """A fact of a node; None when it is not there. What a program has put in its place, a pipe perhaps, is none."""
    try:
        file = os.open(node.directory / "facts" / name, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    with open(file, "rb") as opened:
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
        content = opened.read(FACT_BYTES) if is_file else b""
    return content.decode(errors="replace").replace("\0", "").strip() if is_file else None


def _write(path: str, content: bytes, mode: int = 0o644) -> None:
    """Write a new file. (Half as dear as pathlib and chmod, and a stage has dozens.)"""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb", buffering=0) as file:
        file.write(content)


@functools.cache
def _tools() -> dict[str, bytes]:
    return {tool.name: tool.read_bytes() for tool in TOOLS.iterdir()}


def _store(path: str, name: str, contents: Contents) -> None:
    """Put a program into the node's store, as a file of its own: one of the user's must not be able to change the
    original. Other names of it on the node are hard links, which cost nothing: a program finds others beside itself,
    and these cannot be resolved to elsewhere."""
    binary = contents.programs[name]
    if binary is None:
        _write(path, _stand_in(name, contents.launchers), 0o755)
    elif not contents.own_ground:
        shutil.copyfile(binary, path)
        os.chmod(path, 0o755)
    elif not os.path.exists(path):
        _write(path, b"", 0o755)  # the original is mounted here: builds are large, and kept stages keep none


@functools.cache
def _stand_in(name: str, launcher: bool) -> bytes:
    """The program file of a stand-in, the project's own unless another directory was named, to be run by the Python
    that runs the world; if wanted, with the launcher before a text of the project's own."""
    own = (PROJECT / "bin" / name).read_bytes().partition(b"\n")[2]
    directory = Path(os.environ.get(STAND_INS, PROJECT / "bin"))
    _, _, rest = (directory / name).read_bytes().partition(b"\n")
    # The kernel ends an interpreter's path at a blank, and gives it one argument; env reads quotes.
    interpreter = f'/usr/bin/env -S "{sys.executable}"' if " " in sys.executable else sys.executable
    if launcher and rest == own:
        return f"#!{interpreter} -IS\n".encode() + LAUNCHER.read_bytes() + rest
    return f"#!{interpreter}\n".encode() + rest


def _write_facts(node: Node) -> None:
    facts = node.facts
    devices = "".join(f"{index} {free_mb}\n" for index, free_mb in enumerate(facts.cuda_free_mb))
    _write(f"{node.directory}/facts/free_mb", f"{facts.ram_free_mb}\n".encode())
    _write(f"{node.directory}/facts/cuda", devices.encode())
    if facts.version is not None:
        _write(f"{node.directory}/facts/version", f"{facts.version}\n".encode())


def _write_ssh(directory: str, keys: Keys) -> None:
    """The user's keys, the host key of all nodes, and a configuration that leads OpenSSH through the node's proxy."""
    for name, content in keys.files.items():
        _write(f"{directory}/{name}", content, 0o600)  # OpenSSH takes no private key that others may read
    proxy_command = shlex.join([sys.executable, "-I", "-S", str(CONNECT)])
    config = f"""\
Host *
    User rbee
    IdentityFile "{directory}/id_ed25519"
    IdentitiesOnly yes
    UserKnownHostsFile "{directory}/known_hosts"
    GlobalKnownHostsFile /dev/null
    ProxyCommand {proxy_command.replace("%", "%%")} %h %p
    # Notes of newer clients about a key exchange that they hold to be old are no output of the product.
    LogLevel ERROR
"""
    _write(f"{directory}/config", config.encode())
