"""What happened on a stage, on file."""

from __future__ import annotations

import gzip
from pathlib import Path

from harness.world.spool import Spool


def test_what_is_written_is_there_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "stages" / "1.jsonl")

    spool.write(b"{}\n")

    assert (tmp_path / "stages" / "1.jsonl").read_bytes() == b"{}\n"
    spool.close()


def test_what_is_over_is_packed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "1.jsonl")
    spool.write(b"{}\n")

    spool.close()

    assert [path.name for path in tmp_path.iterdir()] == ["1.jsonl.gz"]
    assert gzip.decompress((tmp_path / "1.jsonl.gz").read_bytes()) == b"{}\n"
