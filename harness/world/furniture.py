"""What lies in the system's directories of every machine, so that programs find it there: the least that is needed, for
a node that has such directories of its own. It is no evidence of anything."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.world.namespaces import COVERED, MACHINE
from harness.world.topology import Node

USER = "rbee"  # whoever the user is, with the id of his own
NOBODY_ID = 65534
OF_THE_MACHINE = (
    *("alternatives", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("pki", "protocols", "services", "ssl"),
)
"""What of the machine's /etc programs may need to run, where it is there: libraries, certificates, known services."""
NSSWITCH = b"passwd: files\ngroup: files\nhosts: files\n"


INTERPRETER = Path(sys.executable).resolve()
PLACES = {f"/etc/{name}" for name in ("group", "hostname", "hosts", "nsswitch.conf", "passwd", *OF_THE_MACHINE)}
PLACES |= {f"/usr/local/bin/{INTERPRETER.name}", "/usr/local/include", "/usr/local/lib"}
"""Where furniture may lie on a node."""


def lay(node: Node, hosts: Mapping[str, str]) -> None:
    """Put all of it into the directories of a node, which have been made; `hosts` are addresses by the names for which
    programs there know them, beside its own. Raises OSError."""
    for name, text in _texts(node, hosts).items():
        with open(f"{node.directory}/root/etc/{name}", "xb", buffering=0) as file:
            file.write(text)
    for place, target in _links().items():
        os.symlink(target, f"{node.directory}/root{place}")


def _texts(node: Node, hosts: Mapping[str, str]) -> dict[str, bytes]:
    """The files of the node's own in /etc."""
    uid, gid = os.getuid(), os.getgid()
    users = [f"{USER}:x:{uid}:{gid}::{node.directory}/home:/bin/sh"]
    users += [f"nobody:x:{NOBODY_ID}:{NOBODY_ID}::/nonexistent:/bin/false"]
    groups = [f"{USER}:x:{gid}:", f"nogroup:x:{NOBODY_ID}:"]
    if uid:
        users.append("root:x:0:0::/root:/bin/sh")
        groups.append("root:x:0:")
    others = [f"{address} {name}" for name, address in hosts.items() if name != node.host]
    return {
        "group": _lines(groups),
        "hostname": _lines([node.host]),
        "hosts": _lines([f"127.0.0.1 localhost {node.host}", *others]),
        "nsswitch.conf": NSSWITCH,
        "passwd": _lines(users),
    }


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@functools.cache
def _links() -> dict[str, str]:
    """The links to what is the machine's: where on the node, and where they lead."""
    found = {f"/etc/{name}": f"/{MACHINE}/{COVERED['etc']}/{name}" for name in OF_THE_MACHINE}
    if INTERPRETER.is_relative_to("/usr/local"):
        for name in ("include", "lib", f"bin/{INTERPRETER.name}"):
            found[f"/usr/local/{name}"] = f"/{MACHINE}/{COVERED['usr/local']}/{name}"
    return {place: target for place, target in found.items() if os.path.lexists(place)}
