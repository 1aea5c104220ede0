"""A scenario that stands still: `-D hold=failure`, or `-D hold=LINE`. Its stage lives on, and waits for what its user
does: in other terminals, with the commands that are printed, and at a prompt here."""

from __future__ import annotations

import re
import select
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from behave.model import Scenario, Step

from harness import fixtures
from harness.live import Live
from harness.programs import PROGRAMS
from harness.stage import Stage, StageError

CONNECT = Path(__file__).parent / "world" / "connect.py"
SHOWN_EVENTS = 30
FAILURE = "failure"
FLOW = re.compile(r"flow\s+(\d+(?:\.\d+)?)\s*(ms|s|min)?")
SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}
HELP = "flow 2 s: let time pass · events: the last of them · sh NODE: a shell there · quit: go on"


def is_before(hold: str, step: Step) -> bool:
    """Whether the scenario is to stand before this step."""
    return hold == str(step.line)


def is_at_end(hold: str, scenario: Scenario) -> bool:
    """Whether it is to stand at its end."""
    return hold == str(scenario.line) or (hold == FAILURE and scenario.status.has_failed())


def stand(stage: Stage, where: str) -> None:
    """Stand still until the user says `quit`, or his input ends."""
    print(f"\nThe scenario stands {where}. Its stage lives in {stage.directory}; in another terminal:\n")
    for command in commands(stage):
        print(f"  {command}")
    time = "goes on, for it is real time" if stage.settings.clock == "real" else "stands"
    print(f"\nTime {time}. {HELP}")
    while True:
        print("hold> ", end="", flush=True)
        while not any(source is sys.stdin for source in select.select([sys.stdin, stage], [], [])[0]):
            stage.evidence.pump(0)
        line = sys.stdin.readline()
        if not line or line.strip() in ("quit", "q", "exit"):
            print()
            return
        if line.strip():
            _do(stage, line.strip())


def _do(stage: Stage, line: str) -> None:
    """What a line at the prompt asks for."""
    word, _, rest = line.partition(" ")
    flow = FLOW.fullmatch(line)
    if flow:
        try:
            stage.let_pass(float(flow[1]) * SECONDS[flow[2] or "s"])
        except StageError as error:
            print(error)
    elif word == "events":
        view = Live(sys.stdout, stage.directory)
        for event in stage.evidence.events[-SHOWN_EVENTS:]:
            view.show(event)
    elif word == "sh" and rest.strip() in stage.places:
        subprocess.run(_ssh(stage, rest.strip()), env=_way(stage), check=False)
    elif word == "sh":
        print(f"there is no node {rest.strip() or 'named'}; there are: {', '.join(stage.places)}")
    else:
        print(HELP)


def commands(stage: Stage) -> Iterator[str]:
    """What is of use in another terminal, ready to paste: requests, logins, databases, keys, programs' environments."""
    socket = shlex.quote(str(stage.operator_path))
    port = stage.settings.hive.port
    hives = [f"http://{place.host}:{port}/v1/workers/list" for place in stage.places.values()]
    for url in (f"{fixtures.QUEEN_URL}/health", *hives):
        yield f"curl --silent --show-error --unix-socket {socket} --request-target {url} {url}"
    for name in stage.places:
        variables = " ".join(f"{variable}={shlex.quote(value)}" for variable, value in _way(stage).items())
        yield f"{variables} {shlex.join(_ssh(stage, name))}"
    for place in stage.places.values():
        for database in sorted(place.home.glob(".rbee/*.db")):
            yield f"sqlite3 {shlex.quote(str(database))} .dump"
        for key in (place.path(fixtures.SSH_KEY), place.path(fixtures.API_KEY_FILE)):
            if key.exists():
                yield f"cat {shlex.quote(str(key))}  # of {place.name}"
    for program in PROGRAMS.values():
        for living in stage.evidence.processes(program):
            yield f"tr '\\0' '\\n' < /proc/{living.pid}/environ  # of {living.program} on {living.host}"


def _ssh(stage: Stage, node: str) -> list[str]:
    """How one logs in to a node from outside, through the network of the stage."""
    control, host = stage.places[stage.control], stage.places[node].host
    proxy = f"ProxyCommand={shlex.join([sys.executable, '-I', '-S', str(CONNECT)])} %h %p"
    return ["ssh", "-T", "-F", str(control.home / ".ssh" / "config"), "-o", proxy, host]


def _way(stage: Stage) -> dict[str, str]:
    return {"HTTP_PROXY": f"unix:{stage.operator_path}", "PATH": "/usr/bin:/bin"}
