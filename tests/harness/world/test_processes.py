"""The processes of a stage: what they say, how they end, and that none is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness.world.node_stage import NodeStage, World

# A shell's child says that it has begun: before its exec it would take a signal as the shell does, and forget it.
WAIT_FOR_EVER = "sh -c 'echo begun; exec sleep 1000' & wait"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def stage(world: World, tmp_path: Path) -> NodeStage:
    return world.open(tmp_path / "stage")


def pid_said(stage: NodeStage, pid: int) -> int:
    """The number that a program said first, on a line of its own."""
    stage.run(stage.until_said(pid, "\n"))
    return int(stage.said(pid).split()[0])


def log(stage: NodeStage, pid: int) -> bytes:
    return (stage.directory / "logs" / f"workstation-test-{pid}.log").read_bytes()


def test_a_program_is_told_from_start_to_end(stage: NodeStage) -> None:
    pid = stage.shell("echo out; echo err >&2; exit 3")

    code = stage.ended(pid)

    assert code == 3
    names = {"program": "test", "node": "workstation", "pid": pid}
    argv = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    assert stage.events[0] == {"event": "started", **names, "argv": argv, "over_ssh": False}
    assert sorted(stage.events[1:3], key=str) == [
        {"event": "output", **names, "stream": "stderr", "text": "err\n"},
        {"event": "output", **names, "stream": "stdout", "text": "out\n"},
    ]
    assert stage.events[3:] == [{"event": "exited", **names, "code": 3}]


def test_the_log_holds_both_outputs_as_they_came(stage: NodeStage) -> None:
    pid = stage.shell(r"printf 'a\377'; exec >&2; echo b")

    stage.ended(pid)

    assert sorted(log(stage, pid)) == sorted(b"a\377b\n")


def test_an_end_by_a_signal_has_a_negative_code(stage: NodeStage) -> None:
    pid = stage.shell("kill -9 $$")

    code = stage.ended(pid)

    assert code == -signal.SIGKILL


def test_a_character_split_over_two_pieces_is_told_whole(stage: NodeStage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    pid = stage.shell(rf"printf 'a\303'; read -r _ <'{tmp_path}/go'; printf '\244b'")
    stage.run(stage.until_said(pid, "a"))

    (tmp_path / "go").write_text("\n")
    stage.ended(pid)

    assert [told["text"] for told in stage.told("output")] == ["a", "äb"]


def test_bytes_that_are_no_text_are_told_as_the_replacement_character(stage: NodeStage) -> None:
    pid = stage.shell(r"printf 'a\377b\303'")

    stage.ended(pid)

    assert stage.said(pid) == "a\ufffdb\ufffd"


def test_a_long_output_arrives_whole(stage: NodeStage) -> None:
    pid = stage.shell("head -c 3000000 /dev/zero | tr '\\0' x")

    stage.ended(pid)

    assert stage.said(pid) == "x" * 3_000_000


def test_the_end_does_not_wait_for_a_grandchild_that_holds_the_output(stage: NodeStage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    pid = stage.shell(f"(read -r _ <'{tmp_path}/go'; echo late) & echo early")

    stage.ended(pid)
    before = stage.said(pid)
    (tmp_path / "go").write_text("\n")
    stage.run(stage.until_said(pid, "late"))

    assert before == "early\n"
    assert log(stage, pid) == b"early\nlate\n"


def test_callers_get_the_pieces_and_after_the_last_the_end(stage: NodeStage) -> None:
    seen: list[object] = []

    pid = stage.shell("echo out", on_output=lambda *piece: seen.append(piece), on_exit=seen.append)
    stage.ended(pid)

    assert seen == [("stdout", b"out\n"), 0]


def test_a_program_has_the_nodes_environment_and_home_and_no_input(stage: NodeStage) -> None:
    pid = stage.shell('pwd; echo "$RBEE_NODE_HOST $OWN"; cat', env={"OWN": "own"})

    stage.ended(pid)

    assert stage.said(pid) == f"{stage.nodes['workstation'].directory}/home\nworkstation.home.arpa own\n"


def test_a_name_is_looked_up_on_the_nodes_path(stage: NodeStage) -> None:
    pid = stage.start("rbee-hive", node="blep")

    stage.ended(pid)

    assert stage.said(pid) == f"{stage.nodes['blep'].directory}/bin/rbee-hive\n"


def test_a_relative_path_begins_where_the_program_works(stage: NodeStage) -> None:
    bin_directory = stage.nodes["workstation"].directory / "bin"

    pid = stage.start("./rbee-hive", cwd=bin_directory)
    code = stage.ended(pid)

    assert code == 0


def test_a_program_that_is_not_there_is_named(stage: NodeStage) -> None:
    with pytest.raises(FileNotFoundError, match="there is no program nothing on workstation"):
        stage.start("nothing")

    assert stage.events == []


def test_a_program_that_cannot_be_started_leaves_no_pipes(stage: NodeStage) -> None:
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(OSError, match="facts"):
        stage.start("../facts/cuda")

    assert len(os.listdir("/proc/self/fd")) == before


def test_roots_are_what_lives(stage: NodeStage) -> None:
    alive = stage.shell("exec sleep 1000")
    ended = stage.shell("true")

    stage.ended(ended)

    assert stage.processes.roots() == [alive]


def test_a_signal_reaches_descendants_too(stage: NodeStage) -> None:
    pid = stage.shell('sleep 1000 & echo $!; wait $!; echo "ended by $?"')
    grandchild = pid_said(stage, pid)

    stage.processes.signal(grandchild, signal.SIGKILL)
    stage.ended(pid)

    assert stage.said(pid) == f"{grandchild}\nended by {128 + signal.SIGKILL}\n"


def test_no_signal_leaves_the_stage(stage: NodeStage) -> None:
    with pytest.raises(ProcessLookupError, match=f"{os.getpid()} is no living process of stage"):
        stage.processes.signal(os.getpid(), signal.SIGTERM)


def test_the_end_asks_first(stage: NodeStage) -> None:
    pid = stage.shell(f"trap 'echo asked; exit 0' TERM; {WAIT_FOR_EVER}")
    stage.run(stage.until_said(pid, "begun"))

    left = stage.run(stage.processes.end())

    assert left == []
    assert stage.said(pid) == "begun\nasked\n"
    assert stage.told("exited", pid=pid, code=0)


def test_what_does_not_end_when_asked_is_killed_and_named(stage: NodeStage) -> None:
    pid = stage.shell(f"trap '' TERM; {WAIT_FOR_EVER}")
    stage.run(stage.until_said(pid, "begun"))

    left = stage.run(stage.processes.end(grace_s=0.05))

    assert left[0].pid == pid
    assert str(left[0]).startswith(f"{pid}: /usr/bin/sh -c 'trap")
    assert stage.told("exited", pid=pid, code=-signal.SIGKILL)
    assert not psutil.pid_exists(pid)


def test_what_was_stopped_ends_too(stage: NodeStage) -> None:
    pid = stage.shell(WAIT_FOR_EVER)
    stage.run(stage.until_said(pid, "begun"))
    stage.processes.signal(pid, signal.SIGSTOP)

    left = stage.run(stage.processes.end())

    assert left == []


def test_the_last_words_of_a_grandchild_are_in_the_log(stage: NodeStage) -> None:
    pid = stage.shell(f"(trap 'echo last; exit' TERM; {WAIT_FOR_EVER}) &")
    stage.run(stage.until_said(pid, "begun"))

    stage.run(stage.processes.end())

    assert log(stage, pid) == b"begun\nlast\n"


def test_nothing_is_started_on_a_stage_that_ends(stage: NodeStage) -> None:
    stage.run(stage.processes.end())

    with pytest.raises(OSError, match="nothing is started there any more"):
        stage.shell("true")


def test_an_end_leaves_no_descriptor_behind(world: World, tmp_path: Path) -> None:
    stage = world.open(tmp_path / "first")
    before = len(os.listdir("/proc/self/fd"))
    pid = stage.shell("sh -c 'echo begun; exec sleep 1000' &")
    stage.run(stage.until_said(pid, "begun"))

    stage.run(stage.processes.end())

    assert len(os.listdir("/proc/self/fd")) == before


def test_a_stage_that_ends_forks_nothing_for_a_launcher_whose_request_comes_late(
    stage: NodeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr("harness.world.processes.fork", lambda request, files: asked.append(request))
    stage.run(stage.processes.end())

    assert stage.processes.fork(b"late", [], 1, lambda code: None) is None
    assert asked == []
