"""Who may call this hive (docs/contract.md, section 9 row 8)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

import yaml

from mocks.common import machine
from mocks.common.errors import RbeeError


def node_key() -> str | None:
    """The `api_key` in `~/.rbee/config.yaml` of this node; None when there is none, and nothing is to be checked.

    Raises RbeeError INTERNAL_ERROR when the file cannot be read: a door is not left open because its lock is broken."""
    path = machine.home() / ".rbee" / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        message = f"{path} cannot be read as YAML, so no caller can be checked: {failure}"
        raise RbeeError("INTERNAL_ERROR", message) from failure
    key = config.get("api_key") if isinstance(config, dict) else None
    return None if key is None else str(key)


def check(authorization: str, keys: Iterable[str]) -> None:
    """See that an Authorization header holds one of `keys`.

    Raises RbeeError MISSING_API_KEY or INVALID_API_KEY (401)."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise RbeeError("MISSING_API_KEY", "Missing API key", status=401)
    if not any(hmac.compare_digest(given.encode(), key.encode()) for key in keys):
        raise RbeeError("INVALID_API_KEY", "Invalid or missing API key", status=401)
