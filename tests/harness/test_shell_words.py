"""The words of a command line, as a shell would split them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.shell_words import split

HOME = Path("/home/rbee")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rbee-keeper infer --node a", ["rbee-keeper", "infer", "--node", "a"]),
        ("keeper --prompt 'write a short story'", ["keeper", "--prompt", "write a short story"]),
        ('keeper --prompt "it\'s"', ["keeper", "--prompt", "it's"]),
        ("keeper --ssh-key ~/.ssh/id", ["keeper", "--ssh-key", "/home/rbee/.ssh/id"]),
        ("keeper --install-path '~/rbee'", ["keeper", "--install-path", "~/rbee"]),
        ("keeper infer \\\n  --node a", ["keeper", "infer", "--node", "a"]),
        ("keeper infer\n  --node a", ["keeper", "infer", "--node", "a"]),
        ("keeper --name ''", ["keeper", "--name", ""]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line, HOME) == words


def test_an_open_quote_is_an_error() -> None:
    with pytest.raises(ValueError, match="quot"):
        split("keeper --prompt 'write", HOME)
