"""A stage in a real world."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from harness.link import Link, WorldError
from harness.stage import Stage, StageError
from harness.world.program import OUTPUT_BYTES
from harness.world_process import World
from tests.harness.world_fixture import open_stage, stage, world

__all__ = ["stage", "world"]

LIMIT_S = 30.0


@pytest.fixture
def other(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Another stage in the same world."""
    opened = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    yield opened
    opened.close()


def test_a_program_runs_on_its_node_with_the_nodes_environment(stage: Stage) -> None:
    stage.run("sh -c 'echo $RBEE_NODE_HOST; pwd'", node="workstation")

    home = stage.places["workstation"].home
    assert stage.evidence.run("sh").printed("stdout") == f"workstation.home.arpa\n{home}\n"


def test_nothing_of_the_environment_of_the_tests_reaches_a_program(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "yes")

    stage.run("env")

    assert "LEAKED" not in stage.evidence.run("env").printed("stdout")


def test_the_exit_code_is_evidence(stage: Stage) -> None:
    stage.run("sh -c 'exit 3'")

    assert stage.evidence.exit_code("sh") == 3


def test_a_flow_ends_at_once_for_a_process_that_has_ended(stage: Stage) -> None:
    pid = stage.start("true")
    stage.evidence.exit_code("true")

    assert stage.flow({"exit": pid}) == 0


def test_a_program_that_is_not_there_is_named(stage: Stage) -> None:
    with pytest.raises(WorldError, match="there is no program no-such-program on blep"):
        stage.run("no-such-program")


def test_a_signal_ends_a_program_of_the_stage(stage: Stage) -> None:
    pid = stage.start("sleep 60")

    stage.signal(pid, signal.SIGINT)
    stage.flow({"exit": pid})

    assert stage.evidence.exit_code("sleep") == 130


def test_a_process_that_is_not_the_stages_gets_no_signal(stage: Stage) -> None:
    with pytest.raises(WorldError, match="no living process of stage"):
        stage.signal(os.getpid(), signal.SIGTERM)


def test_time_moves_to_the_moment_that_a_flow_names(stage: Stage) -> None:
    stage.flow({"at_us": 300_000_000})
    stage.run("true")

    assert stage.evidence.run("true").started_at_us == 300_000_000


def test_who_asks_where_nobody_listens_is_told_after_all_retries(stage: Stage) -> None:
    stage.start("sh -c 'echo no queen; exit 1'")

    with pytest.raises(
        StageError, match=r"nobody answers at http://localhost:8080/health: .*ended with 1; it said: no queen"
    ):
        stage.ask_starting("sh", "http://localhost:8080/health")


def test_a_flow_that_does_not_end_says_what_is_waited_for(
    world: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = r"waited 0\.2 s for .*at_nothing(.|\n)*who works: nobody(.|\n)*logs: "
    with closing(open_stage(world, tmp_path_factory.mktemp("s") / "stage")) as impatient:
        monkeypatch.setattr(impatient, "settings", dataclasses.replace(impatient.settings, wait_s=0.2))
        impatient.start("sleep 60")

        with pytest.raises(StageError, match=told):
            impatient.flow({"event": {"event": "at_nothing"}})


def test_closing_a_stage_ends_its_processes(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    closing = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    pid = closing.start("sleep 60")

    left = closing.close()

    assert (left, psutil.pid_exists(pid)) == ([], False)


def test_what_does_not_end_is_killed_and_named(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    closing = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    deaf = closing.start_until(
        "sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 60; done'", {"event": {"event": "output"}}
    )

    left = closing.close()

    assert any(line.startswith(f"{deaf}: ") for line in left)
    assert not psutil.pid_exists(deaf)


def test_hanging_up_removes_the_stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    vanishing = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    process = psutil.Process(vanishing.start("sleep 60"))

    vanishing._link.close()

    assert process.wait(10) is None


def test_a_shared_stage_keeps_what_it_is_told_to_keep(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("s") / "stage"
    first = open_stage(world, directory, shared=True)
    kept, other = first.start("sleep 61", keep=True), first.start("sleep 62")
    (first.places["blep"].home / "left-behind").touch()
    first.close()

    second = open_stage(world, directory, shared=True)

    assert [run.pid for run in second.evidence.runs()] == [kept]
    assert psutil.pid_exists(kept)
    assert not psutil.pid_exists(other)
    assert not (second.places["blep"].home / "left-behind").exists()
    second.close()


def test_a_request_without_a_stage_is_refused(world: World) -> None:
    link = Link(world.socket, lambda event: None)

    with pytest.raises(WorldError, match="no stage is open on this connection"):
        link.ask("state")
    link.close()


def test_a_request_that_the_world_does_not_know_is_refused_with_those_it_does(world: World) -> None:
    link = Link(world.socket, lambda event: None)

    with pytest.raises(WorldError, match="cannot do 'dance'; it can open, start"):
        link.ask("dance")
    link.close()


def test_a_world_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"the world does not answer at .*nowhere.sock"):
        Link(tmp_path / "nowhere.sock", lambda event: None)


def test_rest_has_come_when_nobody_works_although_time_stands(stage: Stage) -> None:
    stage.start("sh -c 'for i in 1 2 3 4 5 6 7 8; do date >/dev/null; done; echo done'")

    stage.evidence.rest(LIMIT_S)

    assert "done\n" in [event["text"] for event in stage.evidence.of_kind("output")]


def test_rest_moves_no_time(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200")  # it waits for the moment in which it looks after its workers
    stage.evidence.rest(LIMIT_S)

    assert (stage.now_us, stage.evidence.run("rbee-hive").code) == (0, None)


ASKS = f"""#!{sys.executable}
import urllib.request
urllib.request.urlopen("http://localhost:9200/v1/health").read()
"""


def test_programs_of_one_node_that_ask_the_same_hive_are_told_apart(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200")
    stage.ask_starting("rbee-hive", "http://localhost:9200/v1/health")
    for name in ("rbee-keeper", "queen-rbee"):
        program = stage.places["blep"].home / name
        program.write_text(ASKS)
        program.chmod(0o755)
        stage.run(str(program))

    asked = stage.evidence.exchanges(asker="blep", port=9200)
    assert [(one.program, one.pid) for one in asked] == [
        (name, stage.evidence.run(name).pid) for name in ("rbee-keeper", "queen-rbee")
    ]


def test_a_mark_stands_where_it_was_made(stage: Stage) -> None:
    stage.run("true")
    stage.mark("step", line=7)
    stage.run("false")

    kinds = [event["event"] for event in stage.evidence.events]
    assert kinds == ["started", "exited", "step", "started", "exited"]
    assert stage.evidence.of_kind("step")[0]["line"] == 7


def test_a_log_that_is_followed_is_told_line_by_line(stage: Stage) -> None:
    stage.start("rbee-hive daemon --port 9200", node="workstation")
    stage.ask_starting("rbee-hive", "http://workstation.home.arpa:9200/v1/health")

    stage.ask("GET", "http://workstation.home.arpa:9200/v1/logs")

    log = stage.evidence.exchange(path="/v1/logs")
    assert [text for _, text in log.events] == (log.answer_body or "").splitlines() != []


def test_a_program_that_prints_without_end_is_killed_and_said(stage: Stage) -> None:
    with pytest.raises(StageError, match=r"yes on workstation \(pid \d+\) printed more than 16 MB: it was killed"):
        stage.run("yes", node="workstation")

    printed = stage.evidence.run("yes").printed("stdout")
    [log] = (stage.directory / "logs").glob("workstation-yes-*.log")
    assert (len(printed), log.stat().st_size) == (OUTPUT_BYTES, OUTPUT_BYTES)


def test_a_stage_of_which_too_much_would_be_told_is_ended_and_said(stage: Stage, other: Stage) -> None:
    as_much_as_allowed = f"sh -c 'yes | head -c {OUTPUT_BYTES}'"
    for _ in range(3):
        stage.run(as_much_as_allowed)

    with pytest.raises(StageError, match="more than 64 MB would have to be told of this stage"):
        stage.run(as_much_as_allowed)

    other.run("echo hello")
    assert other.evidence.run("echo").printed("stdout") == "hello\n"


HIDES = f"""#!{sys.executable}
import os
if os.fork() == 0:
    os.setsid()
    os.chdir("/")
    if os.fork() == 0:
        os.execve("/bin/sleep", ["hidden", "600"], {{}})
"""


@pytest.mark.parametrize("is_over_ssh", [False, True])
def test_a_process_that_hides_is_ended_with_its_stage_and_told(
    world: World, stage: Stage, tmp_path_factory: pytest.TempPathFactory, is_over_ssh: bool
) -> None:
    hiding = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    program = hiding.places["blep"].home / "hides"
    program.write_text(HIDES)
    program.chmod(0o755)
    hiding.run(f"ssh workstation.home.arpa {program}" if is_over_ssh else str(program))
    stage.run("true")

    hiding.close()

    assert [one.split(": ", 1)[1] for one in hiding.hidden] == ["hidden 600"]
    assert not psutil.pid_exists(int(hiding.hidden[0].split(":")[0]))


def test_a_process_that_only_lives_on_does_not_hide(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = open_stage(world, tmp_path_factory.mktemp("s") / "stage")
    stage.run("sh -c 'setsid sleep 600 & cd / && setsid sleep 600 &'")

    stage.close()

    assert stage.hidden == []


def test_the_end_of_what_a_program_has_started_is_seen(stage: Stage) -> None:
    stage.start("sh -c 'sleep 60 & wait; sleep 60'")
    below = stage.evidence.process("sleep")
    ended = stage.watch(below.pid, below.program)

    stage.signal(below.pid, signal.SIGKILL)

    assert stage.flow({"at_us": 60_000_000}, ended) == 1
    assert stage.evidence.of_kind("gone") == [{"event": "gone", "at_us": 0, "pid": below.pid, "program": "sleep"}]
