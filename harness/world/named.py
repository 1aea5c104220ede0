"""What a process is called: by the program that it runs, whoever runs it for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

SHELL = "sh"
RUNNERS = ("exec", "nohup", "env", "setsid", "nice", "stdbuf", "time")  # they become, or run, what stands behind them
BETWEEN_COMMANDS = re.compile(r"[;&|()]+")


def program_of(argv: Sequence[str]) -> str:
    """The name of the program with this command line: of a script its own, not its interpreter's."""
    words = [word for word in argv[:2] if not word.startswith("-")]
    names = [Path(word).name for word in words]
    return names[1] if len(names) > 1 and names[0].startswith("python") else (names or [""])[0]


def program_of_command(command: str | None) -> str:
    """The name of the program that a shell runs last when it is given this command: `rbee-hive` of `cd ~/rbee &&
    nohup ./rbee-hive daemon >log 2>&1 &`. The shell's own where there is none, or the command cannot be read."""
    lexer = shlex.shlex(command or "", posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return SHELL
    last: list[str] = []
    is_new = True
    for word in words:
        if BETWEEN_COMMANDS.fullmatch(word):
            is_new = True
        elif is_new:
            last, is_new = [word], False
        else:
            last.append(word)
    named = [word for word in last if "=" not in word and word not in RUNNERS]
    return Path(named[0]).name if named else SHELL
