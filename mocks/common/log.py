"""What a daemon writes to its stdout: log lines, and narration which its queen passes on to the user."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import UTC, datetime

from mocks.common import clock

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def info(program: str, text: str) -> None:
    """Log `text` as something that `program` did or saw."""
    _write(line("INFO", program, text))


def warn(program: str, text: str) -> None:
    """Log `text` as something that somebody should look at."""
    _write(line("WARN", program, text))


def error(program: str, text: str) -> None:
    """Log `text` as something that went wrong."""
    _write(line("ERROR", program, text))


def narrate(actor: str, text: str) -> None:
    """Tell the user: one line `[actor] text`, which a queen that reads this output relays."""
    _write(narration(actor, text))


def narration(actor: str, text: str) -> str:
    """A narration line as it is written: `[actor] text`."""
    return f"[{actor}] {_one_line(text)}"


def line(level: str, program: str, text: str) -> str:
    """A log line as it is written: `<UTC time>Z  INFO <program>: <text>`, with the clock's time."""
    seconds, microseconds = divmod(clock.now_us(), 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z {level:>5} {program}: {_one_line(text)}"


def _one_line(text: str) -> str:
    """`text` with its control characters as escapes: what somebody calls himself is not to look like a line of ours."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _write(text: str) -> None:
    # One write of its own for each line, so that lines of several threads, and of a hive and its workers, which share
    # one stdout, never mix. A reader that went away is no reason to stop: a hive outlives the SSH channel that it began
    # with.
    with contextlib.suppress(OSError):
        os.write(1, f"{text}\n".encode(errors="backslashreplace"))
