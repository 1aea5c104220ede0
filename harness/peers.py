"""How a program of the user's own wants to be started and met, where that is not as rbee's specification says: what the
harness does, and what the stand-ins are told, in their environment, so that they do the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.runner.options import WrongUse

HIVE_ARGUMENTS, HIVE_PORT = "daemon --port {port}", 9200  # of rbee's specification
PORTS = (HIVE_PORT, 8080)  # those that rbee's own sources name: docs/contract.md, section 8 row 1


@dataclass(frozen=True)
class Hive:
    """How a hive is started: its arguments, with places for {address} and {port}, and its port."""

    arguments: str
    port: int

    def command(self, address: str) -> str:
        """The command line of one that listens at this address."""
        arguments = self.arguments.replace("{address}", address).replace("{port}", str(self.port))
        return f"rbee-hive {arguments}"


def hive(userdata: Mapping[str, str]) -> Hive:
    """How hives are started in this run. Raises WrongUse."""
    port = userdata.get("hive.port", str(HIVE_PORT))
    if port not in map(str, PORTS):
        raise WrongUse(f"-D hive.port={port}: use one of: {', '.join(map(str, PORTS))}")
    return Hive(userdata.get("hive.arguments", HIVE_ARGUMENTS), int(port))


def variables(userdata: Mapping[str, str], own: Collection[str]) -> dict[str, str]:
    """What the stand-ins are told of their peers; `own` are the options of the programs that are the user's. A queen of
    the user's may have no way to know the key that a hive of ours gives its workers."""
    names = {
        "RBEE_HIVE_ARGUMENTS": userdata.get("hive.arguments", ""),
        "RBEE_HIVE_PORT": userdata.get("hive.port", ""),
        "RBEE_WORKER_ARGUMENTS": userdata.get("worker.arguments", ""),
        "RBEE_WORKER_KEY": "optional" if "queen" in own else "",
    }
    return {name: value for name, value in names.items() if value}
