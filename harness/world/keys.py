"""The SSH keys of a run: one that all nodes show as their host key, and the user's key pair."""

from __future__ import annotations

from dataclasses import dataclass

import asyncssh

ALGORITHM = "ssh-ed25519"  # the quickest to generate and to check


@dataclass(frozen=True, eq=False)
class Keys:
    """The keys, and what stands in a user's `.ssh` because of them: file name → content."""

    host_key: asyncssh.SSHKey
    user_key: asyncssh.SSHKey
    files: dict[str, bytes]


def generate() -> Keys:
    """New keys. Every host name is known by the host key: nodes differ by their addresses alone."""
    host_key = asyncssh.generate_private_key(ALGORITHM)
    user_key = asyncssh.generate_private_key(ALGORITHM)
    files = {
        "id_ed25519": user_key.export_private_key(),
        "id_ed25519.pub": user_key.export_public_key(),
        "known_hosts": b"* " + host_key.export_public_key(),
    }
    return Keys(host_key, user_key, files)
