"""Who works, as `/proc` tells it of real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.world.look import Crowd, Process, Thread

Start = Callable[[str], int]
ASLEEP = "import sys; print(flush=True); sys.stdin.read()"
BUSY = "print(flush=True)\nwhile True: pass"
LOOKS = 10_000  # many more than a process needs to fall asleep after its first line


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python program, and waits for the first line that it prints; its pid."""
    started: list[subprocess.Popen[bytes]] = []

    def start(source: str) -> int:
        argv = [sys.executable, "-c", source]
        started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        output = started[-1].stdout
        assert output is not None
        output.readline()
        return started[-1].pid

    yield start
    for program in started:
        program.kill()
        program.communicate()


def is_idle(crowd: Crowd) -> bool:
    return crowd.look() and not crowd.works()


def becomes_idle(crowd: Crowd) -> bool:
    return any(is_idle(crowd) for _ in range(LOOKS))


def test_who_waits_does_not_work(start: Start) -> None:
    pid = start(ASLEEP)
    crowd = Crowd(lambda: [pid])

    assert becomes_idle(crowd)
    assert crowd.working() == []


def test_one_who_works_is_enough(start: Start) -> None:
    pids = [start(ASLEEP), start(BUSY)]
    crowd = Crowd(lambda: pids)

    assert not any(is_idle(crowd) for _ in range(100))
    assert "while True" in crowd.working()[0]


def test_a_thread_that_works_is_seen_beside_one_that_waits(start: Start) -> None:
    pid = start(f"import threading\ndef work():\n  while True: pass\nthreading.Thread(target=work).start(); {ASLEEP}")
    crowd = Crowd(lambda: [pid])

    assert not any(is_idle(crowd) for _ in range(100))


def test_a_watcher_is_not_named_for_it_is_awake_while_it_asks(start: Start) -> None:
    crowd = Crowd(list)
    crowd.watch(start(BUSY))

    assert not any(is_idle(crowd) for _ in range(100))
    assert crowd.working() == []


def test_a_watcher_counts_and_what_it_has_started_does_not(start: Start) -> None:
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BUSY!r}]).wait()"
    watcher = start(child)
    crowd = Crowd(list)
    crowd.watch(watcher)

    assert becomes_idle(crowd)
    subprocess.run(["pkill", "-P", str(watcher)], check=True)


def test_who_becomes_a_root_later_is_looked_at(start: Start) -> None:
    pids = [start(ASLEEP)]
    crowd = Crowd(lambda: list(pids))
    assert becomes_idle(crowd)

    pids.append(start(BUSY))

    assert not any(is_idle(crowd) for _ in range(100))


@pytest.mark.parametrize(
    ("state", "sleeps"), [*((state, True) for state in "SZTt"), *((state, False) for state in "RDXI")]
)
def test_a_thread_sleeps_when_only_others_can_make_it_go_on(tmp_path: Path, state: str, sleeps: bool) -> None:
    for name, content in {"stat": f"7 (S) Z) {state} 1 7", "schedstat": "0 0 0", "children": ""}.items():
        (tmp_path / name).write_text(content)
    thread = Thread(str(tmp_path))

    assert thread.is_asleep() == sleeps
    thread.close()


def test_after_an_end_it_is_looked_once_more(start: Start) -> None:
    pids = [start(ASLEEP), start(ASLEEP)]
    crowd = Crowd(lambda: list(pids))
    assert becomes_idle(crowd)

    os.kill(pids[1], signal.SIGKILL)
    os.waitid(os.P_PID, pids[1], os.WEXITED | os.WNOWAIT)

    assert [crowd.look(), crowd.look()] == [False, True]


def test_a_main_thread_that_has_ended_rests_while_others_live_on(start: Start) -> None:
    source = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=[600]).start()
print(flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[__import__("platform").machine()], 0)
"""
    pid = start(source)
    crowd = Crowd(lambda: [pid])

    assert becomes_idle(crowd)
    assert "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_who_ends_while_he_is_met_first_is_no_one_to_go_on_from(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_: Process) -> bool:
        raise ProcessLookupError

    pid = start(ASLEEP)
    crowd = Crowd(lambda: [pid])
    with monkeypatch.context() as patched:
        patched.setattr(Process, "rests", end)
        assert not crowd.look()

    assert becomes_idle(crowd)
