"""What a node is made of: its directories, its programs, its tools and the environment of whatever runs there.

The layout is that of docs/design.md, "A stage on disk and on the network"; nothing lies outside a node's directory."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.world.keys import Keys
from harness.world.topology import PROXY_PORT, Node, Stage

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = Path(__file__).parent / "tools"
CONNECT = Path(__file__).with_name("connect.py")
INSTALL_PATH = "home/rbee"  # ~/rbee

DIRECTORIES = (
    "bin",
    "facts",
    "home",
    "root/etc",
    "root/models",
    "root/usr/local/bin",
    "root/var/lib",
    "store",
    "tmp",
)


def build(node: Node, programs: Mapping[str, Path | None], keys: Keys) -> None:
    """Make the node on disk, in a directory that does not exist yet.

    `programs` says for each of the four programs which binary of the user's it is, or None for our stand-in. Raises
    OSError when one cannot be copied."""
    for name in DIRECTORIES:
        (node.directory / name).mkdir(parents=True)
    for tool in TOOLS.iterdir():
        shutil.copy(tool, node.directory / "bin" / tool.name)
    for name, binary in programs.items():
        _store(node.directory / "store" / name, binary)
        _link(node, name, "bin")
    _write_facts(node)
    _write_ssh(node.directory / "home" / ".ssh", keys)
    if node.facts.installed:
        _install(node, list(programs))


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
        "RBEE_BIND_HOST": node.address,
        "RBEE_NODE_HOST": node.host,
        "RBEE_ROOT": f"{node.directory}/root",
        "RBEE_BDD_STAGE": stage.mark,
    }
    if stage.clock_path:
        variables["RBEE_CLOCK"] = str(stage.clock_path)
    if stage.rust_log is not None:
        variables["RUST_LOG"] = stage.rust_log
    version = node.directory / "facts" / "version"
    if version.exists():
        variables["RBEE_VERSION"] = version.read_text(encoding="utf-8").strip()
    return variables


def _store(path: Path, binary: Path | None) -> None:
    """Put a program into the node's store, as a file of its own: a program of the user's finds others beside itself,
    symlinks resolved, and must not be able to change the original."""
    if binary is None:
        path.write_bytes(_stand_in(path.name))
    else:
        shutil.copyfile(binary, path)
    path.chmod(0o755)


@functools.cache
def _stand_in(name: str) -> bytes:
    """The project's own `bin/<name>`, to be run by the Python that runs the world."""
    _, _, rest = (PROJECT / "bin" / name).read_bytes().partition(b"\n")
    # The kernel ends an interpreter's path at a blank; env reads quotes.
    interpreter = f'/usr/bin/env -S "{sys.executable}"' if " " in sys.executable else sys.executable
    return f"#!{interpreter}\n".encode() + rest


def _link(node: Node, name: str, directory: str) -> None:
    """A stored program under its own path: a hard link, which costs nothing and cannot be resolved to elsewhere."""
    os.link(node.directory / "store" / name, node.directory / directory / name)


def _install(node: Node, programs: list[str]) -> None:
    """What `git clone` and `cargo build` leave behind on a node where rbee has been installed."""
    path = node.directory / INSTALL_PATH
    (path / ".git").mkdir(parents=True)
    (path / "Cargo.toml").touch()
    (path / "target" / "release").mkdir(parents=True)
    for name in programs:
        _link(node, name, f"{INSTALL_PATH}/target/release")


def _write_facts(node: Node) -> None:
    facts = node.directory / "facts"
    (facts / "free_mb").write_text(f"{node.facts.ram_free_mb}\n")
    (facts / "cuda").write_text("".join(f"{index} {free}\n" for index, free in enumerate(node.facts.cuda_free_mb)))
    if node.facts.version is not None:
        (facts / "version").write_text(f"{node.facts.version}\n")


def _write_ssh(directory: Path, keys: Keys) -> None:
    """The user's keys, the host key of all nodes, and a configuration that leads OpenSSH through the node's proxy."""
    directory.mkdir(mode=0o700)
    for name, content in keys.files.items():
        path = directory / name
        path.touch(mode=0o600)  # OpenSSH takes no private key that others may read
        path.write_bytes(content)
    proxy_command = shlex.join([sys.executable, "-I", "-S", str(CONNECT)])
    (directory / "config").write_text(
        f"""\
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
    )
