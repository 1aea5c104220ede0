"""Files read without trust, and written whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mocks.common import files


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("ü")

    assert files.read_text(tmp_path / "f") == "ü"


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1234")

    assert files.read(tmp_path / "f", limit_bytes=4) == b"1234"


def test_a_longer_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")

    with pytest.raises(OSError, match="File too large"):
        files.read(tmp_path / "f", limit_bytes=4)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(path: str) -> None:
    with pytest.raises(OSError, match="Not a regular file"):
        files.read(path)


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")

    with pytest.raises(OSError, match="Not a regular file"):
        files.read(tmp_path / "f")


def test_a_path_with_nul_is_an_os_error() -> None:
    with pytest.raises(OSError, match="Invalid path"):
        files.read("a\0b")


def test_a_text_is_written_in_place_of_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")

    files.write_text(tmp_path / "f", "new")

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"f": "new"}


def test_what_is_no_text_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")

    with pytest.raises(ValueError, match="surrogates"):
        files.write_text(tmp_path / "f", "new \udcff")

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"f": "old"}


def test_a_text_that_cannot_take_its_place_is_gone(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        files.write_text(tmp_path / "f", "new")

    assert [path.name for path in tmp_path.iterdir()] == ["f"]
