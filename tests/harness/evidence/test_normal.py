"""The rule by which printed texts are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evidence.normal import normal
from harness.place import Place

PLACE = Place("blep", "blep.home.arpa", "127.1.2.1", Path("/run/stage/blep"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x1b[1;36mNode\x1b[0m", "Node"),
        ("/run/stage/blep/home/.ssh/key", "~/.ssh/key"),
        ("HOME=/run/stage/blep/home", "HOME=~"),
        ("/run/stage/blep/root/models/a.gguf", "/models/a.gguf"),
        ("/run/stage/blep/tmp/rbee-partial-0a1b2c3d.txt", "/tmp/rbee-partial-<id>.txt"),
        ("Last connected: 2024-10-09 21:16:43", "Last connected: <time>"),
        ("40% (2.0 MB / 5.0 MB) @ 45.2 MB/s", "40% (2.0 MB / 5.0 MB) @ <speed>"),
        ("task 086a9d0c-f34a-4cff-8913-c2852a2788bd", "task <id>"),
        ("end  \nlast\n\n", "end\nlast"),
        ("Required: 6000 MB", "Required: 6000 MB"),
    ],
)
def test_what_differs_from_run_to_run_is_written_alike(text: str, written: str) -> None:
    assert normal(text, [PLACE]) == written
