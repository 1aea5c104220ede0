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
HEAD_BYTES = 2**20  # the first line of an event log has the run's whole command line


def create(wanted: Path | None, run: str, programs_bytes: int = 0) -> Path:
    """Create the folder of the run named `run`: `wanted`, or one in memory where there is room for it and for programs
    of `programs_bytes`, else in the temporary directory. Raises WrongUse when that cannot be."""
    folder = wanted or default_place(programs_bytes) / f"{PREFIX}{run}"
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


def discard(folder: Path, *, was_there: bool) -> None:
    """Remove the folder of a run that did not take place; one that the user had made stays, without what it got."""
    if not was_there:
        shutil.rmtree(folder, ignore_errors=True)
        return
    (folder / EVENT_LOG).unlink(missing_ok=True)


def prune(checkout: str) -> None:
    """Remove all but the newest folders that finished runs of this user in the directory `checkout` left in the default
    place: memory is dear. Red and green ones are counted apart, so that green runs do not cost a red one its folder."""
    mine: dict[bool, list[tuple[float, Path]]] = {True: [], False: []}
    for path in default_place().glob(f"{PREFIX}*"):
        with suppress(OSError):  # another run is pruning too
            about = path.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and _checkout(path) == checkout:
                mine[_is_green(path)].append((about.st_mtime, path))
    for is_green, kept in ((True, KEPT_GREEN), (False, KEPT_RED)):
        for _, old in sorted(mine[is_green], reverse=True)[kept:]:
            if _is_finished(old):
                shutil.rmtree(old, ignore_errors=True)


def _checkout(folder: Path) -> str | None:
    """Where the run of this folder was started, as its event log says; None when no run has made the folder: other
    things may have such a name, too."""
    first, last = ends_of(folder / EVENT_LOG, HEAD_BYTES, 0)
    try:
        begun = json.loads((first or last).split(b"\n")[0])
        is_of_a_run = begun["event"] == "run_started" and f"{PREFIX}{begun['run']}" == folder.name
        return str(begun["cwd"]) if is_of_a_run else None
    except (ValueError, TypeError, KeyError):
        return None


def _is_green(folder: Path) -> bool:
    """Whether the run of this folder came to its end, and all passed."""
    lines = ends_of(folder / EVENT_LOG, 0, TAIL_BYTES)[1].splitlines()
    try:
        return bool(lines) and json.loads(lines[-1]).get("exit_code") == 0
    except (ValueError, AttributeError):
        return False


def tails(attempt_dir: Path) -> dict[str, str]:
    """The end of each program's log below an attempt's directory: path below it → its last lines, or why they cannot be
    read."""
    ends: dict[str, str] = {}
    for path in sorted(attempt_dir.glob("**/logs/*.log")):
        try:
            _, end = ends_of(path, 0, TAIL_BYTES)
            text = "\n".join(end.decode(errors="replace").splitlines()[-TAIL_LINES:])
        except OSError as error:
            text = f"(cannot be read: {error.strerror})"
        ends[str(path.relative_to(attempt_dir))] = text
    return ends


def ends_of(path: Path, first: int, last: int) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file, so many at most, none of them twice. Raises OSError for what is no
    regular file: nobody waits for the other end of a pipe here."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "no regular file")
        if about.st_size <= first + last:
            return b"", os.pread(descriptor, about.st_size, 0)
        return os.pread(descriptor, first, 0), os.pread(descriptor, last, about.st_size - last)
    finally:
        os.close(descriptor)


def default_place(programs_bytes: int = 0) -> Path:
    """Where runs' folders go: in memory where there is room for them, and for programs of so many bytes, else in the
    temporary directory."""
    try:
        needed_bytes = LEAST_FREE_BYTES + programs_bytes
        if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= needed_bytes:
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
