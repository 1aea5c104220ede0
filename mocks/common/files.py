"""Files that others write, read without trust; and files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LIMIT_BYTES = 1024 * 1024
"""More than any key, configuration or catalogue has."""


def read(path: str | Path, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """What is in a regular file of at most `limit_bytes`. Raises OSError when it cannot be read, or is anything else: a
    device or a pipe may have no end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "Invalid path", os.fspath(path)) from error
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fspath(path))
    return content


def read_text(path: str | Path, limit_bytes: int = LIMIT_BYTES) -> str:
    """The text in such a file. Raises as `read` does, and ValueError when it is not UTF-8."""
    return read(path, limit_bytes).decode()


def write_text(path: Path, text: str) -> None:
    """Have `text` in the file at `path`. Whoever reads it, now or after a crash, finds the old text or the new one.
    Raises OSError, and ValueError for what is no text; then the old one stays."""
    content = text.encode()
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
