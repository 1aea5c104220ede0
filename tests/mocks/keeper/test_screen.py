"""The screen of an inference, on a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import sys
import threading
from collections.abc import Iterator
from unittest import mock

import pytest

from mocks.keeper.screen import Screen
from tests.mocks.keeper.scripted import LIMIT_S

MIB = 2**20


def downloading(done: int) -> dict[str, object]:
    return {"type": "progress", "stage": "downloading", "bytes_downloaded": done * MIB, "bytes_total": 5 * MIB}


def loading(done: int) -> dict[str, object]:
    return {"type": "progress", "stage": "loading_to_vram", "layers_loaded": done, "layers_total": 32}


class Terminal:
    """stdout and stderr of a screen, while it is used."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self._file = os.fdopen(theirs, "w")

    @contextlib.contextmanager
    def screen(self) -> Iterator[Screen]:
        variables = {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"}
        streams = mock.patch.multiple(sys, stdout=self._file, stderr=self._file)
        with mock.patch.dict(os.environ, variables), streams, Screen() as screen:
            yield screen

    def shown(self) -> str:
        """All that was written to it."""
        self._file.write("\0")
        self._file.flush()
        text = b""
        while not text.endswith(b"\0"):
            assert select.select([self._ours], [], [], LIMIT_S)[0]
            text += os.read(self._ours, 65536)
        return text[:-1].decode()

    def close(self) -> None:
        self._file.close()
        os.close(self._ours)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_bar_is_redrawn_in_place(terminal: Terminal) -> None:
    with terminal.screen() as screen:
        screen.progress(downloading(1))
        screen.progress(downloading(2))

    text = terminal.shown()
    assert re.search(r"20% \(1\.0 MB / 5\.0 MB\)\r\x1b\[2KDownloading model\.\.\. \[█{8}-{12}\] 40%", text)


def test_each_stage_has_a_bar_of_its_own(terminal: Terminal) -> None:
    with terminal.screen() as screen:
        screen.progress(downloading(5))
        screen.progress(loading(8))

    lines = [line for line in terminal.shown().split("\n") if "[█" in line]
    assert ["Downloading" in line for line in lines] == [True, False]
    assert ["Loading" in line for line in lines] == [False, True]


def test_the_cursor_is_shown_again(terminal: Terminal) -> None:
    with terminal.screen() as screen:
        screen.progress(downloading(1))

    text = terminal.shown()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_no_thread_redraws_the_bar(terminal: Terminal) -> None:
    before = threading.active_count()
    with terminal.screen() as screen:
        screen.progress(downloading(1))

        assert threading.active_count() == before
    assert terminal.shown()


def test_what_follows_tokens_begins_a_line_of_its_own(terminal: Terminal) -> None:
    with terminal.screen() as screen:
        screen.token("a")
        screen.narrate("queen-rbee", "hello")
        screen.token("b")

    assert terminal.shown() == "Tokens:\r\na\r\n[queen-rbee] hello\r\nb\r\n"
