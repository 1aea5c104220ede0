"""From a model's reference to its file: at the hub, and on this machine (docs/contract.md, section 9 row 16)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mocks.common import machine
from mocks.common.errors import RbeeError

PART = ".part"
LONGEST_NAME_BYTES = 255
"""What a file system takes for the name of a file or directory."""
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

    @property
    def part(self) -> Path:
        """Where it grows until it is here."""
        return self.path.with_name(f"{self.path.name}{PART}")


def locate(model: Reference) -> HubFile:
    """Where the model's file is, and where it goes. Raises RbeeError INVALID_REQUEST when the reference names no file.

    Files go to `RBEE_MODEL_BASE_DIR`, by default /models; each model's to a place of its own there."""
    parts = model.name.split("/")
    if len(parts) not in (2, 3) or not all(_is_name(part) for part in parts):
        message = f"Invalid model reference format: {model} (expected hf:<org>/<repo> or hf:<org>/<repo>/<file>)"
        raise RbeeError("INVALID_REQUEST", message, status=400)
    org, repo = parts[:2]
    file = parts[2] if len(parts) == 3 else _NAMES.get(model.name, f"{repo.lower().removesuffix('-gguf')}.gguf")
    hub = (os.environ.get("RBEE_HUB_URL") or "http://hub.home.arpa").rstrip("/")
    own = os.environ.get("RBEE_MODEL_BASE_DIR")
    models = Path(own).absolute() if own else machine.rooted("/models")
    # Two models may have files of the same name.
    place = () if model.name in _NAMES else (model.provider, org, repo)
    return HubFile(f"{hub}/{quote(org)}/{quote(repo)}/resolve/main/{quote(file)}", models.joinpath(*place, file))


def _is_name(part: str) -> bool:
    """Whether files may be called so. What ends in `.part` would be taken for a file that grows."""
    usual = part not in ("", ".", "..") and part.isprintable() and not part.endswith(PART)
    return usual and len(f"{part}.gguf{PART}".encode()) <= LONGEST_NAME_BYTES
