"""Programs that do not ask the proxy: what they connect to themselves comes to the network of the stage all the same.

On a node with a network of its own a rule of the kernel leads every connection that a program there makes to PORT, and
the kernel remembers for whom it was meant. The names of other nodes lead to addresses of loopback, which every network
has. Only what goes to the proxy, and what the world itself makes (MARK), goes where it is meant to go."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable

from harness import fixtures
from harness.world.ground import Ground
from harness.world.kernel import CAP_NET_ADMIN
from harness.world.namespaces import Home
from harness.world.sockets import MARK, Stream
from harness.world.topology import PROXY_PORT, SSH_PORT, Node

PORT = 3129
NFT = "nft"
PLACES = "/usr/sbin:/sbin:/usr/bin:/bin"  # an ordinary user's PATH has not all of them
NETWORK = "127.0.1"  # node number n is 127.0.1.n to the others
HUB_NUMBER = 251  # it belongs to no node
HTTP_METHOD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RULES = f"""
table ip rbee-bdd {{
  chain connecting {{
    type nat hook output priority -100
    meta mark {MARK} return
    tcp dport != {PROXY_PORT} redirect to :{PORT}
  }}
}}
"""


def lead(home: Home, ground: Ground) -> None:
    """Have all connections of who lives on this ground led to PORT. Raises OSError, which says what is missing."""
    program = shutil.which(NFT, path=PLACES)
    if program is None:
        raise OSError(f"{NFT} is missing; install it, for example with 'apt-get install nftables'")
    with home.lending([CAP_NET_ADMIN]), ground.network():
        ran = subprocess.run([program, "-f", "-"], input=RULES, capture_output=True, text=True, env={}, check=False)
    if ran.returncode != 0:
        raise OSError(f"the kernel does not take a rule of {NFT}'s: {ran.stderr.strip().partition(chr(10))[0]}")


def hosts(nodes: Iterable[Node]) -> dict[str, str]:
    """The address by which a program knows each node, and the hub, by its name; none of them is where that listens."""
    found = {node.host: f"{NETWORK}.{node.number}" for node in nodes}
    return found | {fixtures.HUB_HOST: f"{NETWORK}.{HUB_NUMBER}"}


async def speaks_http(stream: Stream, port: int) -> bool:
    """Whether a program that has connected to this port speaks HTTP/1, as far as its first bytes show. At the port of
    SSH that is not waited for: there, the server speaks first."""
    if port == SSH_PORT:
        return False
    method, blank, rest = (await stream.first()).partition(b" ")
    return bool(method) and not method.strip(HTTP_METHOD) and bool(blank) and not rest.startswith(b"* HTTP/2")
