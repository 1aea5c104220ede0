"""The run's folder: where everything that a run leaves lies."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.runner.options import WrongUse

PREFIX = "rbee-bdd-"
EVENT_LOG = "events.jsonl"
MEMORY = Path("/dev/shm")
LEAST_FREE_BYTES = 2**30
KEPT_RED, KEPT_GREEN = 20, 10  # for each checkout
ANOTHER = "name another one with -D run_dir=PATH"
# A Unix socket's path has at most 107 characters; what a stage adds to the folder's path fits into the rest.
LONGEST_PATH = 70
TAIL_LINES = 10
TAIL_BYTES = 4096


def create(wanted: Path | None, run: str) -> Path:
    """Create the folder of the run named `run`: `wanted`, or one in memory where there is room for it, else in the
    temporary directory. Raises WrongUse when that cannot be."""
    folder = wanted or _default_place() / f"{PREFIX}{run}"
    if len(str(folder)) > LONGEST_PATH:
        raise WrongUse(
            f"the run's folder {folder} has a path of {len(str(folder))} characters; {LONGEST_PATH} are the most, for "
            f"sockets lie in it: {ANOTHER}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise WrongUse(f"the run's folder {folder} is not empty: {ANOTHER}")
    except OSError as error:
        raise WrongUse(f"the run's folder cannot be made: {error}: {ANOTHER}") from error
    return folder


def prune(checkout: str) -> None:
    """Remove all but the newest folders that finished runs of this user in the directory `checkout` left in the default
    place: memory is dear. Red and green ones are counted apart, so that green runs do not cost a red one its folder."""
    mine: dict[bool, list[tuple[float, Path]]] = {True: [], False: []}
    for path in _default_place().glob(f"{PREFIX}*"):
        with suppress(OSError):  # another run is pruning too
            about = path.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and _checkout(path) == checkout:
                mine[_is_green(path)].append((about.st_mtime, path))
    for is_green, kept in ((True, KEPT_GREEN), (False, KEPT_RED)):
        for _, old in sorted(mine[is_green], reverse=True)[kept:]:
            if _is_finished(old):
                shutil.rmtree(old, ignore_errors=True)


def _checkout(folder: Path) -> str | None:
    """Where the run of this folder was started; its log begins with that."""
    with (folder / EVENT_LOG).open(encoding="utf-8") as log:
        try:
            where = json.loads(log.readline()).get("cwd")
        except (ValueError, AttributeError):
            return None
    return where if isinstance(where, str) else None


def _is_green(folder: Path) -> bool:
    """Whether the run of this folder came to its end, and all passed."""
    with (folder / EVENT_LOG).open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
        last = log.read().splitlines()[-1:]
    try:
        return bool(last) and json.loads(last[0]).get("exit_code") == 0
    except (ValueError, AttributeError):
        return False


def tails(attempt_dir: Path) -> dict[str, str]:
    """The end of each program's log below an attempt's directory: path below it → its last lines."""
    ends: dict[str, str] = {}
    for path in sorted(attempt_dir.glob("**/logs/*.log")):
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        ends[str(path.relative_to(attempt_dir))] = "\n".join(lines[-TAIL_LINES:])
    return ends


def _default_place() -> Path:
    try:
        if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= LEAST_FREE_BYTES:
            return MEMORY
    except OSError:
        pass
    return Path(tempfile.gettempdir())


def _is_finished(folder: Path) -> bool:
    """Whether nothing of the run lives any more: the runner and its attempts hold a lock on the event log."""
    try:
        with (folder / EVENT_LOG).open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
