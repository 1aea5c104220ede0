"""What the keeper says when an inference fails: the words of docs/contract.md, section 4.6, for each error code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mocks.common.errors import RbeeError


class _Details(dict[str, Any]):
    """The figures and names that belong to an error. What a queen left out shows as `?`."""

    def __missing__(self, name: str) -> str:
        return "?"


def words(failure: RbeeError, node: str) -> str:
    """The lines that tell of a failure of an inference on `node`."""
    say = _WORDS.get(failure.code)
    if say is None:
        return f"Error: {failure.message}"
    return say(_Details({"node": node, "host": node, **failure.details}))


def _node_not_found(details: Mapping[str, Any]) -> str:
    return (
        f"[queen-rbee] ❌ ERROR: Node '{details['node']}' not found in rbee-hive registry\n"
        "\n"
        "To add this node, run:\n"
        f"  rbee-keeper setup add-node --name {details['node']} --ssh-host <host> ..."
    )


def _connection_timeout(details: Mapping[str, Any]) -> str:
    return (
        f"Error: Cannot connect to {details['host']}:{details['port']} after {details['attempts']} attempts\n"
        f"Suggestion: Check if rbee-hive is running on {details['node']}"
    )


def _ssh_denied(details: Mapping[str, Any]) -> str:
    return (
        f"Error: SSH authentication failed for {details['user']}@{details['host']}\n"
        f"Suggestion: Check the SSH key with which {details['node']} was added (rbee-keeper setup add-node --ssh-key)"
    )


def _download_failed(details: Mapping[str, Any]) -> str:
    return (
        f"Error: Model download failed after {details['attempts']} attempts (DOWNLOAD_FAILED)\n"
        f"  Model: {details['model']}\n"
        "\n"
        f"Suggestion: Check the network of {details['node']} and the name of the model"
    )


def _vram_exhausted(details: Mapping[str, Any]) -> str:
    return (
        f"Error: Insufficient VRAM on {details['node']}\n"
        f"  Required: {details['required']} MB\n"
        f"  Available: {details['available']} MB\n"
        "\n"
        "Suggestion: Try a smaller quantized model (Q4 instead of Q8)"
    )


def _backend_unavailable(details: Mapping[str, Any]) -> str:
    available = details["available"]
    listed = ", ".join(map(str, available)) if isinstance(available, list) else available
    return (
        f"Error: Backend not available on {details['node']}\n"
        f"  Requested: {details['requested']}\n"
        f"  Available: {listed}\n"
        "\n"
        "Suggestion: Choose an available backend (--backend), or another node"
    )


def _all_slots_busy(details: Mapping[str, Any]) -> str:
    return (
        f"Error: Worker still busy after {details['retries']} retries\n"
        "Suggestion: Wait for current request to complete or use a different node"
    )


def _loading_timeout(details: Mapping[str, Any]) -> str:
    layers = f"{details['layers_loaded']}/{details['layers_total']}"
    return (
        "Error: Model loading timeout after 5 minutes\n"
        f"Worker state: {details['state']} (stuck at {layers} layers)\n"
        "\n"
        f"Suggestion: Check worker logs on {details['node']} for errors"
    )


def _version_mismatch(details: Mapping[str, Any]) -> str:
    return (
        "Error: Version mismatch\n"
        f"  rbee-keeper: v{details['keeper_version']}\n"
        f"  rbee-hive: v{details['hive_version']}\n"
        "\n"
        f"Please upgrade rbee-keeper to v{details['hive_version']}:\n"
        f"  cargo install rbee-keeper --version {details['hive_version']}"
    )


def _invalid_api_key(details: Mapping[str, Any]) -> str:
    return f"Error: Authentication failed\n  Invalid API key for {details['host']}\n\n{_CHECK_CONFIGURATION}"


def _missing_api_key(details: Mapping[str, Any]) -> str:
    return f"Error: Authentication required\n  No API key for {details['host']}\n\n{_CHECK_CONFIGURATION}"


_CHECK_CONFIGURATION = "Check your configuration:\n  ~/.rbee/config.yaml"

_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "NODE_NOT_FOUND": _node_not_found,
    "CONNECTION_TIMEOUT": _connection_timeout,
    "SSH_DENIED": _ssh_denied,
    "DOWNLOAD_FAILED": _download_failed,
    "VRAM_EXHAUSTED": _vram_exhausted,
    "BACKEND_UNAVAILABLE": _backend_unavailable,
    "ALL_SLOTS_BUSY": _all_slots_busy,
    "LOADING_TIMEOUT": _loading_timeout,
    "VERSION_MISMATCH": _version_mismatch,
    "INVALID_API_KEY": _invalid_api_key,
    "MISSING_API_KEY": _missing_api_key,
}
