"""One rule by which printed text is compared: what differs from run to run, or from machine to machine, is written
alike.

- Colours and cursor movements (ANSI) are left out.
- A path in a node's home is written `~/…`, one below its root `/…`, one in its TMPDIR `/tmp/…`.
- A date with a time (`2024-10-09 21:16:43`, UTC) is written `<time>`.
- The speed of a download (`45.2 MB/s`) is written `<speed>`.
- A random id of a task (a UUID, or its first eight characters in a file's name) is written `<id>`.
- Blanks at the end of a line are left out, and so are blank lines at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.place import Place

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TIME = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b")
SPEED = re.compile(r"(?<=@ )\d+\.\d MB/s")
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
PARTIAL = re.compile(r"(?<=rbee-partial-)[0-9a-f]{6,8}\b")


def normal(text: str, places: Iterable[Place]) -> str:
    """`text` by the rule above."""
    for place in places:
        for directory, written in (("home", "~"), ("tmp", "/tmp"), ("root", "")):
            text = text.replace(f"{place.directory}/{directory}/", f"{written}/")
        text = text.replace(str(place.home), "~")
    for pattern, written in ((ANSI, ""), (TIME, "<time>"), (SPEED, "<speed>"), (UUID, "<id>"), (PARTIAL, "<id>")):
        text = pattern.sub(written, text)
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())
