"""Starting a program."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from mocks.common.launch import launch


def _said(argv: list[str], directory: Path, **env: str) -> tuple[str, int]:
    """What a program printed, and its exit code."""
    output = directory / "output"
    with output.open("wb") as stdout:
        program = launch(argv, env=env, cwd=directory, stdout=stdout.fileno())
        code: int = program.wait(10)
    return output.read_text().strip(), code


def test_a_program_gets_the_given_environment_and_no_other(tmp_path: Path) -> None:
    assert _said(["/usr/bin/env"], tmp_path, ONLY="this") == ("ONLY=this", 0)


def test_a_program_works_in_the_given_directory(tmp_path: Path) -> None:
    assert _said(["/bin/pwd"], tmp_path) == (str(tmp_path.resolve()), 0)


def test_a_program_reads_nothing_unless_it_is_given_something(tmp_path: Path) -> None:
    assert _said(["/bin/cat"], tmp_path) == ("", 0)


def test_the_exit_code_is_the_programs_own(tmp_path: Path) -> None:
    assert _said(["/bin/sh", "-c", "exit 7"], tmp_path) == ("", 7)


def test_a_program_is_managed_by_its_pid(tmp_path: Path) -> None:
    program = launch(["/bin/sleep", "60"], env={}, cwd=tmp_path)

    assert psutil.Process(program.pid).ppid() == os.getpid()
    program.kill()
    assert program.wait(10) == -9


def test_what_is_not_there_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        launch([str(tmp_path / "nothing")], env={}, cwd=tmp_path)
