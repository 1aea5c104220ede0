"""However a run ends, each planned scenario has a verdict, the exit code tells the way, and nothing is left."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path

import pytest

from tests.harness.runner.project import LIMIT_S, Project

ENDED = "the run was ended by "
WORLD = """
import psutil
from harness.runner.watched import watch

def before_all(context):
    context.world = psutil.Popen(["sleep", "600"], start_new_session=True)
    with open("world.pid", "w") as file: file.write(str(context.world.pid))
    watch("the world", context.world)

def after_all(context):
    context.world.terminate()
    context.world.wait()
"""
SPEAKING_WORLD = """
from pathlib import Path
import psutil
from harness.runner.watched import watch

def before_all(context):
    Path("world.log").write_text("nothing\\nno room\\n")
    world = context.world = psutil.Popen(["sleep", "600"])
    watch("the world", world, Path("world.log"))
    Path("world.pid").write_text(str(world.pid))
"""


def gone(pid: int) -> bool:
    """Wait until a process that is no child of the test has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as process:
        return bool(select.select([process], [], [], LIMIT_S)[0])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda each: str(each)
)
def test_signal_ends_the_run(project: Project, number: signal.Signals, code: int) -> None:
    project.feature("first: it passes", "long: it reports and sleeps", "next: it passes", "last: it passes")
    project.write("features/environment.py", 'def after_all(context): print("all is over")\n')
    process = project.start("-D", "jobs=1")
    project.heard()

    process.send_signal(number)
    ran = project.finish(process)

    assert ran.code == code
    assert ran.verdicts == {"first": "passed", "long": "error", "next": "not run", "last": "not run"}
    assert ran.verdict("long")["reason"] == f"{ENDED}{number.name}, in the step: * it reports and sleeps"
    assert ran.verdict("last")["reason"] == f"{ENDED}{number.name}"
    assert f"not run: 2: {ENDED}{number.name}\n" in ran.out
    assert "1 scenario passed, 0 failed, 0 skipped, 1 error, 2 not run\n" in ran.out
    assert "all is over" in ran.out
    assert project.left() == []


def test_second_ctrl_c_kills_at_once(project: Project) -> None:
    project.feature("stubborn: it reports and goes on")
    project.write(
        "features/steps/stubborn.py",
        """
import os, signal, time
from behave import step
@step("it reports and goes on")
def goes_on(context):
    def again(number, frame):
        with open("said", "w") as said: said.write("again\\n")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, again)
    with open("said", "w") as said: said.write("here\\n")
    while True: time.sleep(600)
""",
    )
    process = project.start()
    project.heard()
    began_s = time.monotonic()

    process.send_signal(signal.SIGINT)
    project.heard()
    process.send_signal(signal.SIGINT)
    ran = project.finish(process)

    assert ran.code == 130
    assert ran.verdicts == {"stubborn": "error"}
    assert time.monotonic() - began_s < 1.5
    assert project.left() == []


def test_signal_while_before_all_runs(project: Project) -> None:
    project.feature("one: it passes")
    project.write(
        "features/environment.py",
        """
import time
def before_all(context):
    with open("said", "w") as said: said.write("here\\n")
    time.sleep(600)
""",
    )
    process = project.start()
    project.heard()

    process.send_signal(signal.SIGINT)
    ran = project.finish(process)

    assert ran.code == 130
    assert ran.verdicts == {"one": "not run"}
    assert "error in before_all: KeyboardInterrupt" in ran.out
    assert "Traceback" not in ran.out


def test_after_a_signal_in_before_all_no_steps_are_loaded(project: Project) -> None:
    project.feature("one: it passes")
    project.write("features/steps/bad.py", "def (")
    project.write(
        "features/environment.py", "import os, signal\ndef before_all(context): os.kill(os.getpid(), signal.SIGINT)\n"
    )

    ran = project.behave()

    assert ran.code == 130
    assert ran.verdicts == {"one": "not run"}


def test_signal_while_steps_are_loaded(project: Project) -> None:
    project.feature("one: it passes")
    project.write("features/environment.py", WORLD)
    project.write(
        "features/steps/slow.py",
        'import time\nwith open("said", "w") as said: said.write("here\\n")\ntime.sleep(600)\n',
    )
    process = project.start()
    project.heard()

    process.send_signal(signal.SIGTERM)
    ran = project.finish(process)

    assert ran.code == 143
    assert ran.verdicts == {"one": "not run"}
    assert "Traceback" not in ran.err
    assert gone(int((project.directory / "world.pid").read_text()))


def test_killed_attempt_costs_its_scenario_and_no_other(project: Project) -> None:
    project.feature("killed: it reports and sleeps", *(f"number {n}: it passes" for n in range(5)))
    process = project.start("-j", "2")

    os.kill(int(project.heard()), signal.SIGKILL)
    ran = project.finish(process)

    assert ran.code == 1
    assert ran.verdicts == {"killed": "crashed"} | {f"number {n}": "passed" for n in range(5)}
    assert ran.verdict("killed")["reason"] == "killed by SIGKILL, in the step: * it reports and sleeps"


def test_killed_runner_leaves_nothing(project: Project) -> None:
    project.feature("one: it starts more; it reports and sleeps")
    project.write("features/environment.py", WORLD)
    project.write(
        "features/steps/more.py",
        """
import os, subprocess, time
from behave import step
@step("it starts more")
def more(context):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(600)
        os._exit(0)
    os.wait()
""",
    )
    process = project.start()
    attempt = int(project.heard())
    left = project.left()
    world = int((project.directory / "world.pid").read_text())

    process.kill()
    project.finish(process)

    assert len(left) >= 5
    assert gone(world)
    assert gone(attempt)
    assert all(gone(pid) for pid in left)


def test_limit_of_the_run(project: Project) -> None:
    project.feature("long: it sleeps", "next: it passes")

    ran = project.behave("-D", "jobs=1", "-D", "run_limit_s=0.5")

    assert ran.code == 124
    assert ran.verdicts == {"long": "timeout", "next": "not run"}
    assert ran.verdict("long")["reason"] == "the run took longer than its limit of 0.5 s, in the step: * it sleeps"


def test_death_of_a_watched_process_ends_the_run(project: Project) -> None:
    project.feature("long: it reports and sleeps", "next: it passes")
    project.write("features/environment.py", WORLD)
    process = project.start("-D", "jobs=1", "--junit")
    project.heard()
    world = int((project.directory / "world.pid").read_text())

    os.kill(world, signal.SIGKILL)
    ran = project.finish(process)

    died = f"the world (pid {world}) died: killed by SIGKILL"
    assert ran.code == 1
    assert ran.verdicts == {"long": "error", "next": "not run"}
    assert ran.verdict("long")["reason"] == f"{died}, in the step: * it reports and sleeps"
    assert ran.verdict("next")["reason"] == died
    assert [event["name"] for event in ran.of("watched_died")] == ["the world"]
    report = Path(project.directory, "reports/TESTS-one.xml").read_text()
    assert f'message="{died}, in the step' in report
    assert f'message="not run: {died}"' in report


def test_death_of_a_watched_process_is_told_with_the_end_of_its_log(project: Project) -> None:
    project.feature("one: it reports and sleeps")
    project.write("features/environment.py", SPEAKING_WORLD)
    process = project.start()
    project.heard()

    os.kill(int((project.directory / "world.pid").read_text()), signal.SIGKILL)
    ran = project.finish(process)

    assert ran.verdicts == {"one": "error"}
    assert " died: killed by SIGKILL: no room (world.log), in the step" in ran.verdict("one")["reason"]


def test_watched_process_that_somebody_has_seen_die_is_told_with_the_end_of_its_log(project: Project) -> None:
    project.feature("one: it passes")
    project.write("features/environment.py", f"{SPEAKING_WORLD}\n    world.kill()\n    world.wait()\n")

    ran = project.behave()

    assert ran.verdicts == {"one": "not run"}
    assert ran.verdict("one")["reason"].endswith(" died: no room (world.log)")


def test_what_a_watched_process_leaves_when_it_dies_is_ended(project: Project) -> None:
    project.feature("long: it reports and sleeps")
    shell = '["sh", "-c", "sleep 600 & echo $! >below.pid; wait"]'
    project.write("features/environment.py", WORLD.replace('["sleep", "600"]', shell))
    process = project.start()
    project.heard()

    os.kill(int((project.directory / "world.pid").read_text()), signal.SIGKILL)
    project.finish(process)

    assert gone(int((project.directory / "below.pid").read_text()))


def test_stop_starts_nothing_after_the_first_red_one(project: Project) -> None:
    project.feature("good: it passes", "bad: it fails", "next: it passes")

    ran = project.behave("--stop", "-D", "jobs=1")

    assert ran.code == 1
    assert ran.verdicts == {"good": "passed", "bad": "failed", "next": "not run"}
    assert ran.verdict("next")["reason"] == "stopped after the first red scenario (--stop)"


def test_scenario_that_cannot_be_begun_is_an_error_and_the_run_goes_on(project: Project) -> None:
    project.feature("one: it passes", "two: it passes", "three: it passes")
    project.write(
        "features/environment.py",
        """
from pathlib import Path
def before_all(context): Path(context.config.userdata["run_dir"], "2").touch()
""",
    )

    ran = project.behave()

    assert ran.code == 1
    assert ran.verdicts == {"one": "passed", "two": "error", "three": "passed"}
    assert "it could not be begun: [Errno 17] File exists" in ran.verdict("two")["reason"]


def test_two_runs_of_one_project_at_the_same_time(project: Project) -> None:
    project.feature(*(f"number {n}: it passes" for n in range(10)))

    both = [project.start("-j", "2", "-D", "order=random") for _ in range(2)]

    printed = [process.communicate(timeout=LIMIT_S)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all("10 scenarios passed, 0 failed, 0 skipped\n" in each for each in printed)


def test_green_run(project: Project) -> None:
    project.feature("one: it passes; it passes", "two: it passes")

    ran = project.behave()

    assert ran.code == 0
    assert "1 feature passed, 0 failed, 0 skipped\n2 scenarios passed, 0 failed, 0 skipped\n3 steps passed" in ran.out
    assert [path.name for path in project.run_dir.iterdir()] == ["events.jsonl"]
    assert f"Run folder: {project.run_dir} (event log: events.jsonl)\n" in ran.out


def test_reader_that_goes_away_ends_the_run_without_a_word(project: Project) -> None:
    project.feature(*(f"number {n}: it passes" for n in range(3)))
    process = project.start("-D", "jobs=1")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None

    ran = project.finish(process)

    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert project.left() == []
