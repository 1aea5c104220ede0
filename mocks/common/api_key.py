"""The API key of a node: `api_key` in `~/.rbee/config.yaml` (docs/contract.md, section 9 row 8)."""

from __future__ import annotations

from mocks.common import files, machine

PATH = ".rbee/config.yaml"


class KeyFileError(Exception):
    """The file cannot be read, or what it has for a key cannot be sent; the text says which, and why."""


def read() -> str | None:
    """The key, None where there is none. Raises KeyFileError."""
    path = machine.home() / PATH
    try:
        text = files.read_text(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as failure:
        raise KeyFileError(f"{path} cannot be read: {failure}") from failure
    key = _settings(text).get("api_key")
    if key is None:
        return None
    if not (isinstance(key, str | int | float) and str(key).isascii() and str(key).isprintable()):
        raise KeyFileError(f"api_key in {path} is no text, or holds characters that cannot be sent")
    return str(key)


def _settings(text: str) -> dict[object, object]:
    import yaml  # takes its time, and most users have no such file

    try:
        settings = yaml.safe_load(text)
    except Exception as failure:
        # Beside errors of its own the library raises what its conversions do: a date of the 45th, 3,000 brackets.
        why = str(failure) or type(failure).__name__
        raise KeyFileError(f"{machine.home() / PATH} cannot be read as YAML: {why}") from failure
    return settings if isinstance(settings, dict) else {}
