"""The warm parent: what it forks is a process like one that is exec'd."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mocks.common import warm
from mocks.common.launch import Forked, Launched, fork, launch, lean_on

PROJECT = Path(__file__).parents[3]
LIMIT_S = 30.0
LOAD_LIMIT_S = 60.0


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[psutil.Popen, socket.socket]]:
    """A warm parent, and the socket on which it is asked."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, psutil.Popen([sys.executable, "-m", "mocks.common.warm"], stdin=theirs.fileno(), cwd=PROJECT) as process:
        theirs.close()
        ours.settimeout(LOAD_LIMIT_S)
        assert ours.recv(64) == warm.READY
        yield process, ours
        process.kill()


@pytest.fixture
def warm_parent(loaded: tuple[psutil.Popen, socket.socket]) -> Iterator[psutil.Popen]:
    process, connection = loaded
    lean_on(connection)
    yield process
    lean_on(None)


@contextlib.contextmanager
def daemon(argv: list[str], directory: Path, awaited: str) -> Iterator[Launched]:
    """A daemon that has said what is awaited."""
    reading, writing = os.pipe()
    environment = {"HOME": str(directory), "RBEE_BIND_HOST": "127.0.0.1", "MARK": "a b"}
    with open(reading, encoding="utf-8") as said:
        process = launch(argv, env=environment, cwd=directory, stdout=writing)
        os.close(writing)
        assert any(awaited in line for line in said)
        yield process
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait(LIMIT_S)


@pytest.fixture
def queen(warm_parent: psutil.Popen, tmp_path: Path) -> Iterator[Launched]:
    """A queen that listens."""
    with daemon([queen_path(), "--port", "0"], tmp_path, "listening") as process:
        yield process


def queen_path() -> str:
    return str(PROJECT / "bin" / "queen-rbee")


def keeper(*words: str, directory: Path, path: Path = PROJECT / "bin" / "rbee-keeper") -> Launched:
    """A keeper that writes to `out` and `err` in the directory."""
    with (directory / "out").open("wb") as out, (directory / "err").open("wb") as err:
        return launch([str(path), *words], env={"HOME": "/"}, cwd=directory, stdout=out.fileno(), stderr=err.fileno())


def test_a_stand_in_is_forked_as_a_child_of_who_asks(queen: Launched) -> None:
    assert isinstance(queen, Forked)
    assert queen.ppid() == os.getpid()


def test_a_fork_has_the_session_and_group_of_its_parent(queen: Launched) -> None:
    assert (os.getsid(queen.pid), os.getpgid(queen.pid)) == (os.getsid(0), os.getpgid(0))


def test_the_system_shows_a_fork_as_it_shows_a_program_that_is_execd(queen: Launched, tmp_path: Path) -> None:
    assert queen.cmdline() == [sys.executable, queen_path(), "--port", "0"]
    assert queen.name() == "queen-rbee"
    assert queen.environ() == {"HOME": str(tmp_path), "RBEE_BIND_HOST": "127.0.0.1", "MARK": "a b"}
    assert queen.cwd() == str(tmp_path)


def test_a_fork_holds_no_socket_but_its_own(queen: Launched) -> None:
    links = {os.readlink(f"/proc/{queen.pid}/fd/{number}") for number in os.listdir(f"/proc/{queen.pid}/fd")}

    assert len([link for link in links if link.startswith("socket:")]) == 1  # where it listens


def test_a_hive_is_forked_with_what_its_workers_need(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    with daemon([str(PROJECT / "bin" / "rbee-hive"), "daemon", "--port", "0"], tmp_path, "ready") as hive:
        files = {mapped.path for mapped in hive.memory_maps()}

    assert any("numpy" in file for file in files)


def test_a_signal_ends_the_fork_alone(warm_parent: psutil.Popen, queen: Launched) -> None:
    queen.kill()

    assert queen.wait(LIMIT_S) == -signal.SIGKILL
    assert warm_parent.is_running()


def test_a_fork_takes_sigterm_as_a_program_does(queen: Launched) -> None:
    queen.terminate()

    assert queen.wait(LIMIT_S) == 0


def test_the_exit_code_goes_to_who_asked(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    assert keeper("--version", directory=tmp_path).wait(LIMIT_S) == 0
    assert keeper("dance", directory=tmp_path).wait(LIMIT_S) == 2


def test_the_exit_code_is_polled_for_as_of_a_program(queen: Launched) -> None:
    before = queen.poll()
    queen.kill()
    queen.wait(LIMIT_S)

    assert (before, queen.poll()) == (None, -signal.SIGKILL)


def test_what_a_fork_says_goes_to_its_own_files(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    keeper("--version", directory=tmp_path).wait(LIMIT_S)

    assert (tmp_path / "out").read_text() == "rbee-keeper 0.1.0\n"


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("dance",), ("logs",), ("install", "--nothing")])
def test_a_fork_says_what_the_program_says(
    warm_parent: psutil.Popen,
    tmp_path: Path,
    words: tuple[str, ...],
) -> None:
    command = [sys.executable, str(PROJECT / "bin" / "rbee-keeper"), *words]
    execd = subprocess.run(command, capture_output=True, text=True, env={"HOME": "/"}, timeout=LIMIT_S)

    code = keeper(*words, directory=tmp_path).wait(LIMIT_S)

    said = (tmp_path / "out").read_text(), (tmp_path / "err").read_text()
    assert (code, *said) == (execd.returncode, execd.stdout, execd.stderr)


def test_a_program_of_the_users_with_a_stand_ins_name_is_execd(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    path = tmp_path / "rbee-keeper"
    path.write_text("#!/bin/sh\nexit 7\n")
    path.chmod(0o755)

    process = keeper(directory=tmp_path, path=path)

    assert not isinstance(process, Forked)
    assert process.wait(LIMIT_S) == 7


def test_a_stand_in_that_cannot_be_run_is_not_forked(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    path = Path(shutil.copy(PROJECT / "bin" / "rbee-keeper", tmp_path))
    path.chmod(0o644)

    with pytest.raises(PermissionError):
        keeper(directory=tmp_path, path=path)


def test_a_directory_that_is_not_there_is_told_as_of_a_program(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        launch([queen_path()], env={}, cwd=tmp_path / "nowhere")


def test_a_hive_starts_its_workers_as_children_of_its_own(warm_parent: psutil.Popen, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    environment = {"HOME": str(tmp_path), "RBEE_BIND_HOST": "127.0.0.1"}
    hive_path = str(PROJECT / "bin" / "rbee-hive")
    with open(reading, encoding="utf-8") as said:
        hive = launch([hive_path, "daemon", "--port", "0"], env=environment, cwd=tmp_path, stdout=writing)
        os.close(writing)
        assert any("ready" in line for line in said)

        names = [child.name() for child in hive.children()]
        hive.terminate()
        hive.wait(LIMIT_S)

    assert names == ["warm parent"]


def test_a_dead_warm_parent_is_said_and_programs_are_execd(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.close()
    lean_on(ours)

    processes = [launch(["/bin/sh", "-c", "exit 3"], env={}, cwd=tmp_path) for _ in range(2)]

    assert [process.wait(LIMIT_S) for process in processes] == [3, 3]
    assert capsys.readouterr().err.count("the warm parent does not answer") == 1
    ours.close()


def test_on_a_machine_that_it_does_not_know_it_says_so_and_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    assert warm.main() == 1
    assert "riscv64" in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked",
    [
        b"garbage",
        b"\0",
        b"5\0one",
        b"1\0",
        b"-1\0a\0b",
        b"\xff\xfe\0\0",
        b"0\0/",
        b"1\0prog\0/nowhere",
        b"1\0fifo\0DIRECTORY",
        b"1\0/dev/zero\0/",
        b"1\0QUEEN\0/\0=no name",
    ],
)
def test_what_cannot_be_read_or_carried_out_is_answered_and_harms_nobody(
    warm_parent: psutil.Popen, tmp_path: Path, asked: bytes
) -> None:
    os.mkfifo(tmp_path / "fifo", 0o700)
    known = asked.replace(b"DIRECTORY", os.fsencode(tmp_path)).replace(b"QUEEN", os.fsencode(queen_path()))

    assert fork(known, [1, 1, 1]) is None

    harmless = keeper("--version", directory=tmp_path)
    assert isinstance(harmless, Forked)
    assert harmless.wait() == 0
