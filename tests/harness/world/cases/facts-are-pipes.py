"""Puts pipes that nobody writes to where the world reads files of the node."""

import os
import pathlib

node = pathlib.Path.home().parent
for name in ("version", "free_mb", "cuda"):
    (node / "facts" / name).unlink(missing_ok=True)
    os.mkfifo(node / "facts" / name)
