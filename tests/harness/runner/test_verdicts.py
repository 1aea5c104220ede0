"""Every planned scenario gets a verdict, whatever it does."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.harness.runner.project import Project

LEAVING = """
import os, time
from behave import step
@step("it leaves a process")
def leaves(context):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.wait()
"""
HOOKS = """
def before_scenario(context, scenario):
    if scenario.name == "hook":
        raise RuntimeError("bad hook")
    if scenario.name == "cleanup":
        context.add_cleanup(bad_cleanup)

def bad_cleanup():
    raise RuntimeError("bad cleanup")
"""
SIX = {"crash": "crashed", "hang": "timeout", "leak": "leaked", "hook": "error", "cleanup": "error", "good": "passed"}


def six(project: Project) -> None:
    """The feature of six scenarios, five of which go wrong, each in a way of its own."""
    project.feature(
        "crash: it passes; it exits with 9; it passes",
        "hang: it passes; it sleeps; it passes",
        "leak: it leaves a process",
        "hook: it passes",
        "cleanup: it passes",
        "good: it passes; it passes",
    )
    project.write("features/steps/leaving.py", LEAVING)
    project.write("features/environment.py", HOOKS)


def test_six_scenarios_six_verdicts_everywhere(project: Project) -> None:
    six(project)

    ran = project.behave("-D", "limit_s=1", "--junit")

    assert ran.code == 1
    assert ran.verdicts == SIX
    cases = ElementTree.parse(project.directory / "reports/TESTS-one.xml").getroot()
    assert {case.get("name"): case.get("status") for case in cases.iter("testcase")} == SIX
    assert (cases.get("tests"), cases.get("errors")) == ("6", "5")
    assert "1 scenario passed, 0 failed, 0 skipped, 1 crashed, 2 error, 1 leaked, 1 timeout\n" in ran.out
    for name, word in SIX.items():
        assert (f"{word}: features/one.feature:" in ran.out) == (name != "good")
    assert project.left() == []


def test_crash_names_the_step_and_how_the_process_ended(project: Project) -> None:
    six(project)

    ran = project.behave("--name", "crash")

    assert ran.verdict("crash")["reason"] == "exited with code 9, in the step: * it exits with 9"
    assert ran.verdict("crash")["steps"] == {"passed": 1, "error": 1, "skipped": 1}


def test_timeout_names_the_step_and_shows_the_end_of_each_log(project: Project) -> None:
    project.feature("hang: it logs a lot; it sleeps")
    project.write(
        "features/steps/logging.py",
        """
from pathlib import Path
from behave import step
@step("it logs a lot")
def logs(context):
    directory = Path(context.config.userdata["attempt_dir"], "blep", "logs")
    directory.mkdir(parents=True)
    Path(directory, "queen.log").write_text("".join(f"line {n}\\n" for n in range(100)))
""",
    )

    ran = project.behave("-D", "limit_s=0.5")

    verdict = ran.verdict("hang")
    assert verdict["reason"] == "no end after 0.5 s, in the step: * it sleeps"
    assert verdict["logs"]["blep/logs/queen.log"].splitlines() == [f"line {n}" for n in range(90, 100)]
    assert "the end of blep/logs/queen.log:\n    | line 90\n" in ran.out
    assert "TIMEOUT: no end after 0.5 s" in ran.out


def test_slow_scenario_is_announced_before_it_is_cut(project: Project) -> None:
    project.feature("hang: it sleeps")

    ran = project.behave("-D", "limit_s=1")

    [slow] = ran.of("slow")
    assert (slow["where"], slow["limit_s"]) == ("in the step: * it sleeps", 1)
    assert 0.5 <= slow["after_s"] < 1
    assert "slow: features/one.feature:3  hang: " in ran.err


def test_stubborn_scenario_is_ended_with_everything_below_it(project: Project) -> None:
    project.feature("stubborn: it ignores signals")
    project.write(
        "features/steps/stubborn.py",
        """
import os, signal, time
from behave import step
@step("it ignores signals")
def ignores(context):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.fork()
    time.sleep(600)
""",
    )

    ran = project.behave("-D", "limit_s=0.5")

    assert ran.verdicts == {"stubborn": "timeout"}
    assert project.left() == []


def test_timeout_runs_hooks_and_cleanups_of_the_scenario(project: Project) -> None:
    project.feature("hang: it sleeps")
    project.write("features/environment.py", 'def after_scenario(context, scenario): print("cleaned", flush=True)\n')

    ran = project.behave("-D", "limit_s=0.5", "--no-capture")

    assert "cleaned\n" in ran.out


def test_leak_names_the_process_and_its_ports(project: Project) -> None:
    project.feature("leak: it leaves a listener")
    project.write(
        "features/steps/listener.py",
        """
import os, socket, subprocess, sys
from behave import step
@step("it leaves a listener")
def leaves(context):
    listening = socket.create_server(("127.0.0.1", 0))
    print("port", listening.getsockname()[1])
    subprocess.Popen(["sleep", "600"], pass_fds=[listening.fileno()], start_new_session=True)
""",
    )

    ran = project.behave()

    verdict = ran.verdict("leak")
    assert verdict["verdict"] == "leaked"
    [left] = verdict["left"]
    assert left["command"] == "sleep 600"
    assert left["ports"][0].startswith("127.0.0.1:")
    assert f"left behind: sleep 600 (pid {left['pid']}, listening on {left['ports'][0]})" in ran.out
    assert project.left() == []


def test_process_that_is_just_ending_is_no_leak(project: Project) -> None:
    project.feature("tidy: it ends a process")
    project.write(
        "features/steps/tidy.py",
        """
import subprocess
from behave import step
@step("it ends a process")
def ends(context): subprocess.Popen(["sleep", "600"]).terminate()
""",
    )

    ran = project.behave()

    assert ran.verdicts == {"tidy": "passed"}


def test_process_that_a_crash_leaves_is_ended(project: Project) -> None:
    project.feature("crash: it starts sleep; it leaves a process; it exits with 9")
    project.write("features/steps/leaving.py", LEAVING)
    project.write(
        "features/steps/start.py",
        """
import subprocess
from behave import step
@step("it starts sleep")
def start(context): subprocess.Popen(["sleep", "600"], start_new_session=True)
""",
    )

    ran = project.behave()

    assert ran.verdicts == {"crash": "crashed"}
    commands = [left["command"] for left in ran.verdict("crash")["left"]]
    assert len(commands) == 2
    assert "sleep 600" in commands
    assert project.left() == []


def test_assertion_is_failed_and_anything_else_is_error(project: Project) -> None:
    project.feature("no: it fails; it passes", "oops: it raises", "unknown: it is a riddle", "quit: it quits")
    project.write(
        "features/steps/quit.py", 'import sys\nfrom behave import step\n@step("it quits")\ndef q(c): sys.exit(3)\n'
    )

    ran = project.behave("--junit")

    assert ran.verdicts == {"no": "failed", "oops": "error", "unknown": "undefined", "quit": "error"}
    assert ran.verdict("no")["reason"] == "ASSERT FAILED: this is not so"
    assert ran.verdict("no")["steps"] == {"failed": 1, "skipped": 1}
    assert "ValueError: wrong value" in ran.verdict("oops")["reason"]
    assert ran.verdict("unknown")["reason"].startswith("no step definition for: * it is a riddle\n")
    assert ran.verdict("quit")["reason"] == "SystemExit: 3"
    assert "@given(u'it is a riddle')" in ran.err
    report = (project.directory / "reports/TESTS-one.xml").read_text()
    assert '<error type="undefined" message="no step definition for: * it is a riddle">' in report


def test_exceptions_of_the_verdict_module_name_their_verdict(project: Project) -> None:
    project.feature("hollow: it is hollow", "drops: it passes")
    project.write(
        "features/steps/hollow.py",
        """
from behave import step
from harness.runner.verdict import Unproven
@step("it is hollow")
def hollow(context): raise Unproven("cannot fail")
""",
    )
    project.write(
        "features/environment.py",
        """
from harness.runner.verdict import Leaked
def before_scenario(context, scenario): context.add_cleanup(clean, scenario.name)
def clean(name):
    if name == "drops": raise Leaked("the queen lives on")
""",
    )

    ran = project.behave()

    assert ran.verdicts == {"hollow": "unproven", "drops": "leaked"}
    assert "cannot fail" in ran.verdict("hollow")["reason"]
    assert "the queen lives on" in ran.verdict("drops")["reason"]


def test_skip_from_a_hook_is_named_with_its_reason_and_is_not_a_pass(project: Project) -> None:
    project.feature("later: it passes", "now: it passes")
    project.write(
        "features/environment.py",
        'def before_scenario(context, scenario):\n    if scenario.name == "later": scenario.skip("needs the clock")\n',
    )

    ran = project.behave("--junit", "--no-skipped")

    assert ran.code == 1
    assert ran.verdicts == {"later": "skipped", "now": "passed"}
    assert "1 scenario passed, 0 failed, 1 skipped\n" in ran.out
    assert "skipped: features/one.feature:3  later\n  needs the clock\n" in ran.out
    cases = list(ElementTree.parse(project.directory / "reports/TESTS-one.xml").getroot().iter("testcase"))
    skipped = cases[0].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "skipped: needs the clock"


def test_hooks_of_the_feature_that_fail_make_each_scenario_an_error(project: Project) -> None:
    project.feature("one: it passes", "two: it passes")
    project.write("features/environment.py", 'def before_feature(context, feature): raise OSError("no room")\n')

    ran = project.behave("--junit")

    assert ran.verdicts == {"one": "error", "two": "error"}
    assert ran.verdict("one")["reason"] == "HOOK-ERROR in before_feature: OSError: no room"


def test_hooks_for_all_run_once_and_the_others_in_every_attempt(project: Project) -> None:
    project.feature("one: it passes", "two: it passes")
    project.write(
        "features/environment.py",
        """
import os
def note(text):
    with open("hooks.txt", "a") as file: file.write(text + "\\n")
def before_all(context):
    context.number = 1
    context.add_cleanup(note, "cleanup of all")
    note("before_all")
def after_all(context): note(f"after_all {context.number}")
def before_feature(context, feature): note("before_feature")
def after_feature(context, feature): note("after_feature")
def before_scenario(context, scenario): context.number += 1; note(f"scenario {context.number}")
""",
    )

    ran = project.behave("-D", "jobs=1")

    assert ran.code == 0
    assert (project.directory / "hooks.txt").read_text().splitlines() == [
        "before_all",
        *["before_feature", "scenario 2", "after_feature"] * 2,
        "after_all 1",
        "cleanup of all",
    ]


def test_before_all_that_fails_is_an_error_for_each_scenario(project: Project) -> None:
    project.feature("one: it passes", "two: it passes")
    project.write("features/environment.py", 'def before_all(context): raise RuntimeError("no world")\n')

    ran = project.behave("--junit")

    assert ran.code == 1
    assert ran.verdicts == {"one": "error", "two": "error"}
    assert ran.verdict("one")["reason"] == "before_all failed: RuntimeError: no world"
    assert "error in before_all: RuntimeError: no world\n" in ran.out
    assert ElementTree.parse(project.directory / "reports/TESTS-one.xml").getroot().get("errors") == "2"


def test_after_all_that_fails_makes_the_run_red(project: Project) -> None:
    project.feature("one: it passes")
    project.write("features/environment.py", 'def after_all(context): raise RuntimeError("world stays")\n')

    ran = project.behave()

    assert ran.code == 1
    assert ran.verdicts == {"one": "passed"}
    assert "error in after_all: RuntimeError: world stays\n" in ran.out


def test_before_all_is_limited(project: Project) -> None:
    project.feature("one: it passes")
    project.write("features/environment.py", "import time\ndef before_all(context): time.sleep(600)\n")

    ran = project.behave("-D", "limit_s=0.5")

    assert ran.verdict("one")["reason"] == "before_all failed: TimeoutError: took longer than 0.5 s"


def test_before_all_may_set_the_limit_of_a_scenario(project: Project) -> None:
    project.feature("hang: it sleeps")
    project.write("features/environment.py", 'def before_all(context): context.config.userdata["limit_s"] = "0.5"\n')

    ran = project.behave()

    assert ran.verdict("hang")["reason"].startswith("no end after 0.5 s")


def test_scenario_that_aborts_the_run_leaves_the_others_not_run(project: Project) -> None:
    project.feature("stop: it aborts", "next: it passes")
    project.write(
        "features/steps/abort.py",
        'from behave import step\n@step("it aborts")\ndef a(context): context.abort("enough")\n',
    )

    ran = project.behave("-D", "jobs=1")

    assert ran.code == 1
    assert ran.verdicts == {"stop": "passed", "next": "not run"}
    assert ran.verdict("next")["reason"] == "the run was aborted by features/one.feature:3"
