"""How a stand-in starts programs that are not stand-ins, and meets them: what it is told of them in its environment
(docs/contract.md, section 9 row 19)."""

from __future__ import annotations

import os
import shlex

HIVE_PORT = 9200
HIVE_ARGUMENTS = "daemon --port {port}"
WORKER_ARGUMENTS = (
    "--worker-id {worker_id} --model {model} --backend {backend} --device {device} --port {port}"
    " --callback-url {callback_url} --api-key {api_key}"
)


def hive_port() -> int:
    """The port at which hives are started and asked: `RBEE_HIVE_PORT`, else 9200."""
    return int(os.environ.get("RBEE_HIVE_PORT") or HIVE_PORT)


def hive_arguments(address: str) -> str:
    """The arguments with which a hive is started, as words for a shell: `RBEE_HIVE_ARGUMENTS`, where {address} and
    {port} stand for where it is to listen; else those of rbee's specification."""
    template = os.environ.get("RBEE_HIVE_ARGUMENTS") or HIVE_ARGUMENTS
    return template.replace("{address}", address).replace("{port}", str(hive_port()))


def worker_arguments(facts: dict[str, str]) -> list[str]:
    """The arguments with which a worker is started: `RBEE_WORKER_ARGUMENTS`, where the name of each fact
    stands for it, in braces; else all that rbee's programs and specification name."""
    words = shlex.split(os.environ.get("RBEE_WORKER_ARGUMENTS") or WORKER_ARGUMENTS)
    for name, fact in facts.items():
        words = [word.replace(f"{{{name}}}", fact) for word in words]
    return words


def keys_are_optional() -> bool:
    """Whether a worker serves who shows no key, because he has no way to know it: `RBEE_WORKER_KEY` is `optional`."""
    return os.environ.get("RBEE_WORKER_KEY") == "optional"
