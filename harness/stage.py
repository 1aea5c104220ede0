"""The stage of a scenario: what its Given and When steps act through.

Steps that act use a stage; steps that check read its `evidence` and nothing else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from urllib3.util import Retry

from harness import operator
from harness.awaited import in_words, next_due
from harness.evidence import Evidence
from harness.link import Link
from harness.place import Place
from harness.settings import Settings
from harness.shell_words import split
from mocks.common.retry import backoff

REGISTRATION_ATTEMPTS, FIRST_DELAY_S = 5, 0.2  # docs/contract.md, section 4.2: the harness's registration step
REAL_MOMENT_S = 0.5
START_ATTEMPTS = 8  # 25 s in all: a program starts in half a second, and in 10 s beside twenty busy processes


class StageError(Exception):
    """The stage could not do what a step wanted; the text says what, and what was seen."""


class Stage:
    """A scenario's own little world, opened in the world process at `socket`; a `shared` one lives on for the next
    scenario.

    Everything it writes lies below `directory`; but what happens is written to `spool`, where one is given. `show` gets
    each event as it is read (for `--no-capture`). `overrun` says what a product did without end, when the world has
    ended that: acting and resting raise StageError from then on. `has_acted`: the last step was a When."""

    def __init__(
        self,
        socket: Path,
        directory: Path,
        topology: Path,
        settings: Settings,
        show: Callable[[dict[str, Any]], None],
        *,
        shared: bool = False,
        spool: Path | None = None,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.has_acted = False
        self._events: list[dict[str, Any]] = []
        self._arranged: dict[int, dict[str, Any]] = {}
        self.overrun: str | None = None
        self.hidden: list[str] = []
        self._show = show
        self._link = Link(socket, self._take)
        opened = self._link.ask(
            "open",
            directory=str(directory),
            topology=str(topology),
            programs={name: str(path) if path else None for name, path in settings.programs.items()},
            clock=settings.clock,
            variables=dict(settings.variables),
            watcher=os.getpid(),
            shared=shared,
            spool=str(spool) if spool else None,
        )
        self.places = {
            name: Place(name, node["host"], node["address"], Path(node["directory"]))
            for name, node in opened["nodes"].items()
        }
        self.control: str = opened["control"]
        self.operator_path: str = opened["operator"]
        self.evidence = Evidence(
            events=self._events,
            places=self.places,
            control=self.control,
            mark=opened["mark"],
            epoch_us=opened["epoch_us"],
            real=settings.clock == "real",
            pump=self._link.take,
            rest=self._rest,
            wait_s=settings.evidence_s,
            own=settings.replaced,
        )

    def _take(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        self._show(event)
        if event["event"] == "overrun":
            self.overrun = _described(event, self._events)

    def _go_on(self) -> None:
        """Raise StageError when the world has ended what a product did without end."""
        if self.overrun is not None:
            raise StageError(f"{self.overrun}\nlogs: {self.directory / 'logs'}")

    def _rest(self, limit_s: float) -> None:
        self._link.reply(self._link.begin("rest"), limit_s=limit_s)
        self._go_on()

    def start(
        self,
        command_line: str,
        *,
        node: str | None = None,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        keep: bool = False,
    ) -> int:
        """Start a program on `node` (the control node by default) as a shell would, and return its process id. With
        `keep` it lives on for the next attempt on a shared stage.

        Words are split as a shell splits them, a leading `~/` outside quotes is the home of the node; nothing else is
        expanded. The words `before` go before them: a program that becomes the one of the command line."""
        name = node or self.control
        argv = split(command_line, self.places[name].home)
        reply = self._link.ask(
            "start", program=Path(argv[0]).name, argv=[*before, *argv], node=name, env=dict(env or {}), keep=keep
        )
        return int(reply["pid"])

    def run(self, command_line: str, **how: Any) -> None:
        """Run a program, as `start` does, to its end: time flows until it has ended. Raises StageError when it does not
        within `wait_s`."""
        self.flow({"exit": self.start(command_line, **how)})

    def flow(self, *until: Mapping[str, Any], since: int | None = None) -> int:
        """Let time flow until one of the conditions holds (docs/design.md), and return its index.

        Events count from now on, or from event number `since` of this stage on. Raises StageError when none holds
        within `wait_s` seconds of real time, with what the world is waiting for."""
        number = self._link.begin("flow", until=until, since=len(self._events) if since is None else since)
        reply = self._link.reply(number, limit_s=self.settings.wait_s, unless=lambda: self.overrun)
        self._go_on()
        if reply is None:
            state = self._link.ask("state")
            self._link.ask("stand")
            raise StageError(
                f"waited {self.settings.wait_s:g} s for {in_words(until, self._programs())}; "
                f"{next_due(state['now_us'], state['waits_us'])}\n"
                f"the clock: {state['now_us'] / 1e6:g} s; who works: {', '.join(state['working']) or 'nobody'}\n"
                f"logs: {self.directory / 'logs'}"
            )
        return int(reply["why"])

    def let_pass(self, delay_s: float) -> None:
        """Let so many seconds pass on the stage's clock; in real time a moment more, so that what is due at their end
        has come about. Raises StageError as `flow` does."""
        more_s = REAL_MOMENT_S if self.settings.clock == "real" else 0
        self.flow({"at_us": self.now_us + round((delay_s + more_s) * 1_000_000)})

    def fileno(self) -> int:
        """What can be read when something has happened, which `evidence.pump` then takes."""
        return self._link.fileno()

    def start_until(self, command_line: str, *until: Mapping[str, Any], node: str | None = None) -> int:
        """Start a program and let time flow until one of the conditions holds; events count from its start on. Its pid.

        Raises StageError as `flow` does, and when the program ends first: what was to happen then never would."""
        since = len(self._events)
        pid = self.start(command_line, node=node)
        if self.flow(*until, {"exit": pid}, since=since) == len(until):
            awaited = in_words(until, self._programs())
            raise StageError(f"it never came to {awaited}, so what was to happen then did not: the program ended first")
        return pid

    def _programs(self) -> dict[int, str]:
        return {event["pid"]: event["program"] for event in self._events if event["event"] in ("started", "forked")}

    @property
    def now_us(self) -> int:
        """The time on the stage's clock: microseconds since it began."""
        return int(self._link.ask("state")["now_us"])

    @property
    def told(self) -> int:
        """How many events this stage has told: a mark for the `since` of a later flow."""
        return len(self._events)

    def ask(self, method: str, url: str, json: Any = None, *, api_key: str | None = None) -> requests.Response:
        """Ask a program over HTTP, as the operator at the control node; time flows until the answer is there.

        An `api_key` is shown to it where one is given. Connection errors are retried with the policy of the
        registration step: 5 attempts, 200 ms doubling, on the stage's clock. Raises requests' exceptions when the last
        attempt fails too."""
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        policy = backoff(REGISTRATION_ATTEMPTS, FIRST_DELAY_S, sleep=self._sleep)
        return self._ask(method, url, policy, json=json, headers=headers)

    def ask_starting(self, program: str, url: str) -> requests.Response:
        """Ask a program that has just been started whether it is there: GET `url`, retried for as long as it may take
        to start in real time on a busy machine.

        Raises StageError with what the program said when it has ended, or does not answer."""

        def give_up(attempt: int, delay_s: float) -> None:  # noqa: ARG001
            if self.evidence.run(program).code is not None:
                raise StageError(self._not_there(program, url))

        try:
            policy = backoff(START_ATTEMPTS, FIRST_DELAY_S, sleep=self._sleep, on_retry=give_up)
            return self._ask("GET", url, policy)
        except requests.RequestException as error:
            raise StageError(self._not_there(program, url)) from error

    def _not_there(self, program: str, url: str) -> str:
        run = self.evidence.run(program)
        said = (run.printed("stdout") + run.printed("stderr")).strip()
        return f"nobody answers at {url}: {run}; it said: {said or 'nothing'}"

    def _ask(self, method: str, url: str, policy: Retry, **content: Any) -> requests.Response:
        flow = self._link.begin("flow", until=[], since=len(self._events))
        try:
            with operator.session(self.operator_path, policy) as http:
                return http.request(method, url, timeout=self.settings.wait_s, **content)
        except requests.RequestException:
            self._go_on()
            raise
        finally:
            self._link.ask("stand")
            self._link.reply(flow, limit_s=self.settings.wait_s)

    def _sleep(self, delay_s: float) -> None:
        self._link.ask("wait", delay_us=round(delay_s * 1e6), limit_s=self.settings.wait_s)

    def signal(self, pid: int, signal: int) -> None:
        """Send a signal to a process of this stage."""
        self._link.ask("signal", pid=pid, signal=int(signal))

    def arrange(self, kind: str, **fields: Any) -> int:
        """Arrange a fault in the world (docs/design.md), and return its number."""
        number = int(self._link.ask("fault", kind=kind, **fields)["fault"])
        self._arranged[number] = {"kind": kind, **fields}
        return number

    def not_fired(self) -> list[str]:
        """The arranged faults that have not fired, or less often than arranged; each as a text."""
        fired = Counter(event["fault"] for event in self._events if event["event"] == "fault")
        wanted = {
            number: sum(at is not None for at in fault.get("at", [0])) for number, fault in self._arranged.items()
        }
        return [
            f"{self._arranged[number]} fired {fired[number]} of {times} times"
            for number, times in wanted.items()
            if fired[number] < times
        ]

    def set_fact(self, node: str, name: str, value: str) -> None:
        """Change a fact of a node: what its `free` and `nvidia-smi` say from now on."""
        (self.places[node].directory / "facts" / name).write_text(value)

    def publish(self, path: str, **model: Any) -> None:
        """Put a model file of this description on the hub, at the URL path `path`."""
        self._link.ask("publish", path=path, model=model)

    def place_model(self, node: str, path: str, **model: Any) -> Path:
        """Put a model file of this description on a node, at the node's `path`; where it lies on this machine."""
        file = self.places[node].path(path)
        self._link.ask("place", file=str(file), model=model)
        return file

    def watch(self, pid: int, program: str) -> dict[str, Any]:
        """The condition of a flow that a process, which a program of the stage has started, has ended."""
        self._link.ask("watch", pid=pid, program=program)
        return {"event": {"event": "gone", "pid": pid}}

    def mark(self, mark: str, **fields: Any) -> None:
        """Have an event of the harness's own, such as the begin of a step, stand among those that the world tells."""
        self._link.say("mark", mark=mark, **fields)

    def close(self) -> list[str]:
        """End the stage: its processes get SIGTERM, then SIGKILL. What had to be killed; `hidden` says what had lived
        on without a trace of the stage. Raises WorldError."""
        try:
            ended = self._link.ask("close", limit_s=self.settings.wait_s)
        finally:
            self._link.close()
        self.hidden = [str(one) for one in ended["hidden"]]
        return [str(one) for one in ended["left"]]


def _described(overrun: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """What a product did without end, as a text."""
    limit = f"{overrun['limit_bytes'] >> 20} MB"
    if overrun["program"] is not None:
        who = f"{overrun['program']} on {overrun['node']} (pid {overrun['pid']})"
        return f"{who} printed more than {limit}: it was killed"
    what = Counter(f"{one['event']} {one.get('program') or one.get('path') or ''}".rstrip() for one in events)
    most = ", ".join(f"{count} times {name}" for name, count in what.most_common(3))
    return f"more than {limit} would have to be told of this stage: its programs were killed; told were {most}"
