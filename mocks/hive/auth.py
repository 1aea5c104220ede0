"""Who may call this hive (docs/contract.md, section 9 row 8)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from mocks.common import api_key
from mocks.common.errors import RbeeError


def node_key() -> str | None:
    """The `api_key` in `~/.rbee/config.yaml` of this node; None when there is none, and nothing is to be checked.

    Raises RbeeError INTERNAL_ERROR when the file cannot be read: a door is not left open because its lock is broken."""
    try:
        return api_key.read()
    except api_key.KeyFileError as failure:
        raise RbeeError("INTERNAL_ERROR", f"{failure}; so no caller can be checked") from failure


def check(authorization: str, keys: Iterable[str]) -> None:
    """See that an Authorization header holds one of `keys`.

    Raises RbeeError MISSING_API_KEY or INVALID_API_KEY (401)."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise RbeeError("MISSING_API_KEY", "Missing API key", status=401)
    if not any(hmac.compare_digest(given.encode(), key.encode()) for key in keys):
        raise RbeeError("INVALID_API_KEY", "Invalid or missing API key", status=401)
