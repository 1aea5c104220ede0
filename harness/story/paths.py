"""Paths of a stage, as its nodes know them."""

from __future__ import annotations

import re

PARTS = (("home", "~"), ("tmp", "/tmp"), ("root", ""), ("bin", "bin"), ("store", "bin"))


def as_seen_there(text: str, directory: str) -> str:
    """`text` with what lies below the stage's `directory` written as `~/…`, `/tmp/…` and `/…`."""
    for part, written in PARTS:
        text = re.sub(rf"{re.escape(directory)}/[\w-]+/{part}(?=/|\b)", written, text)
    return text.replace(directory, "the stage's folder")
