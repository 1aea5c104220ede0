"""What a process is called."""

from __future__ import annotations

import pytest

from harness.world.named import program_of, program_of_command


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/store/rbee-hive", "daemon"], "rbee-hive"),
        (["/usr/bin/python3.11", "-IS", "/store/rbee-hive", "daemon"], "python3.11"),
        (["/usr/bin/python3.11", "/store/rbee-hive", "daemon"], "rbee-hive"),
        ([], ""),
    ],
)
def test_a_process_is_called_by_its_program(argv: list[str], name: str) -> None:
    assert program_of(argv) == name


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("cd ~/rbee && ./target/release/rbee-hive daemon --port 9200", "rbee-hive"),
        ("RUST_LOG=debug nohup ~/bin/rbee-hive daemon >hive.log 2>&1 &", "rbee-hive"),
        ("true; (exec rbee-hive daemon)", "rbee-hive"),
        ("echo 'connection test'", "echo"),
        ("echo 'open", "sh"),
        ("", "sh"),
        (None, "sh"),
    ],
)
def test_what_a_shell_runs_is_called_by_its_last_program(command: str | None, name: str) -> None:
    assert program_of_command(command) == name
