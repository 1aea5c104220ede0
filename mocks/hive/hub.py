"""From a model's reference to its file: at the hub, and on this machine (docs/contract.md, section 9 row 16)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mocks.common import machine
from mocks.common.errors import RbeeError

_NAMES = {"TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF": "tinyllama-q4.gguf"}


@dataclass(frozen=True)
class Reference:
    """What `hf:org/repo` or `hf:org/repo/file.gguf` says."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


def reference(text: str) -> Reference:
    """Split `provider:reference` at its first colon. Raises RbeeError INVALID_REQUEST when there is none."""
    provider, colon, name = text.partition(":")
    if not colon:
        message = f"Invalid model_ref: Invalid model_ref format: expected 'provider:reference', got '{text}'"
        raise RbeeError("INVALID_REQUEST", message, status=400)
    return Reference(provider, name)


@dataclass(frozen=True)
class HubFile:
    """A file at the hub: its address there, and its path on this machine once it is here."""

    url: str
    path: Path


def locate(model: Reference) -> HubFile:
    """Where the model's file is, and where it goes. Raises RbeeError INVALID_REQUEST when the reference names no file.

    Files go to `RBEE_MODEL_BASE_DIR`, by default /models."""
    parts = model.name.split("/")
    if len(parts) not in (2, 3) or any(part in ("", ".", "..") for part in parts):
        message = f"Invalid model reference format: {model} (expected hf:<org>/<repo> or hf:<org>/<repo>/<file>)"
        raise RbeeError("INVALID_REQUEST", message, status=400)
    org, repo = parts[:2]
    file = parts[2] if len(parts) == 3 else _NAMES.get(model.name, f"{repo.lower().removesuffix('-gguf')}.gguf")
    hub = (os.environ.get("RBEE_HUB_URL") or "http://hub.home.arpa").rstrip("/")
    own = os.environ.get("RBEE_MODEL_BASE_DIR")
    models = Path(own).absolute() if own else machine.rooted("/models")
    return HubFile(f"{hub}/{quote(org)}/{quote(repo)}/resolve/main/{quote(file)}", models / file)
