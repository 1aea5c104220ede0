"""Reaching the hive of a node, and starting it over SSH where none runs (docs/contract.md, section 9 row 14)."""

from __future__ import annotations

import contextlib
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import requests

from mocks.common import clock, events, http, peers, ssh
from mocks.common.errors import RbeeError
from mocks.queen import asking
from mocks.queen.registry import Node
from mocks.queen.task import Event, Task

ATTEMPT_LIMIT_S = 10
DELAYS_S = (0.0, 0.2, 0.4)  # before each of the three attempts: docs/contract.md, section 4.2
STOP_LIMIT_S = 5  # how long the queen waits for a hive that it stops: docs/contract.md, section 4.2

_NARRATION = re.compile(r"\[([^\]]+)\] (.+)")
_FAILED_ATTEMPT = (requests.RequestException, ssh.SshTimeout, ssh.SshRefused, TimeoutError)


@dataclass(frozen=True)
class Hive:
    """The hive of a node: where it is asked, and how it is started; without a login it cannot be."""

    node: str
    host: str
    login: ssh.Login | None = None
    start_command: str = ""

    def url(self, path: str) -> str:
        """The address of one of its routes."""
        return f"http://{self.host}:{peers.hive_port()}{path}"


def hive_of(node: Node) -> Hive:
    """The hive of a registered node."""
    # Where it is to listen, the node knows.
    arguments = peers.hive_arguments("${RBEE_BIND_HOST:-0.0.0.0}")
    command = f"cd {remote_path(node.install_path)} && ./target/release/rbee-hive {arguments}"
    return Hive(node.node_name, node.ssh_host, login_of(node), command)


def login_of(node: Node) -> ssh.Login:
    """How to log in to a node."""
    return ssh.Login(node.ssh_host, node.ssh_port, node.ssh_user, node.ssh_key_path)


def remote_path(path: str) -> str:
    """A path for a remote shell: quoted at need, but for a leading `~`, which is to become the home over there."""
    home, slash, rest = path.partition("/")
    return f"~{slash}{shlex.quote(rest) if rest else ''}" if home == "~" else shlex.quote(path)


class Hives:
    """How this queen reaches hives. It keeps the SSH channels of those that it started, and stops those with it."""

    def __init__(self) -> None:
        self._channels: dict[str, ssh.Remote] = {}
        self._starts: dict[str, threading.Lock] = {}
        self._ears: dict[str, list[Callable[[Event], None]]] = {}

    @contextlib.contextmanager
    def heard(self, node: str, ear: Callable[[Event], None]) -> Iterator[None]:
        """While the block runs, `ear` gets what the hive of `node` narrates over its SSH channel."""
        ears = self._ears.setdefault(node, [])
        ears.append(ear)
        try:
            yield
        finally:
            if node in self._channels:
                # A line may still be on its way. On a clock this waits until nobody works any more.
                clock.sleep(0)
            ears.remove(ear)

    def reach(self, hive: Hive, task: Task) -> None:
        """Return once the hive answers; it is started if none runs. Three attempts of 10 s each, narrated.

        Raises RbeeError: CONNECTION_TIMEOUT; at once SSH_DENIED (the key is not accepted, or cannot be used),
        HIVE_START_FAILED, INVALID_API_KEY, MISSING_API_KEY."""
        for attempt, delay_s in enumerate(DELAYS_S, 1):
            delay = ""
            if delay_s:
                task.pause(delay_s)
                delay = f", delay {delay_s * 1000:.0f}ms"
            place = f"{hive.host}:{peers.hive_port()}"
            task.narrate(f"Attempt {attempt}: Connecting to {place}... (timeout {ATTEMPT_LIMIT_S}s{delay})")
            with contextlib.suppress(*_FAILED_ATTEMPT):
                self._attempt(hive, task.order.api_key)
                return
        attempts = len(DELAYS_S)
        raise RbeeError(
            "CONNECTION_TIMEOUT",
            f"Cannot connect to {hive.host}:{peers.hive_port()} after {attempts} attempts",
            node=hive.node,
            host=hive.host,
            port=peers.hive_port(),
            attempts=attempts,
        )

    def _attempt(self, hive: Hive, api_key: str | None) -> None:
        deadline = asking.Deadline(ATTEMPT_LIMIT_S)
        channel = self._channels.get(hive.node)
        with http.session(api_key=api_key) as session:
            try:
                _check_alive(session, hive, deadline)
            except requests.Timeout:
                raise
            except requests.ConnectionError:
                if hive.login is None:
                    raise
                self._start(hive, hive.login, deadline, channel)
                _check_alive(session, hive, deadline)

    def _start(self, hive: Hive, login: ssh.Login, deadline: asking.Deadline, known: ssh.Remote | None) -> None:
        """Start the hive and wait until it listens, unless another task has done it since `known` was its channel."""
        with self._starts.setdefault(hive.node, threading.Lock()):
            if self._channels.get(hive.node) is not known:
                return
            limit_s = deadline.left_s()
            try:
                channel = ssh.start(login, hive.start_command, limit_s=limit_s, on_line=partial(self._relay, hive.node))
            except (ssh.SshTimeout, ssh.SshRefused):
                raise
            except ssh.SshError as error:
                message = f"SSH connection failed: {error}"
                raise RbeeError("SSH_DENIED", message, node=hive.node, host=hive.host, user=login.user) from error
            _await_listening(channel, hive, deadline)
            self._channels[hive.node] = channel

    def _relay(self, node: str, line: str) -> None:
        """Pass a narration line on to the tasks on that node; other lines are the node's log."""
        told = _NARRATION.fullmatch(line)
        if told:
            for ear in list(self._ears.get(node, ())):
                ear(events.narration(told[1], told[2]))

    def stop(self) -> None:
        """Stop the hives that this queen started, and wait for each at most 5 s on the clock."""
        channels = list(self._channels.values())
        for channel in channels:
            channel.terminate()
        for channel in channels:
            with contextlib.suppress(ssh.SshError):
                channel.wait(limit_s=STOP_LIMIT_S)


def _await_listening(channel: ssh.Remote, hive: Hive, deadline: asking.Deadline) -> None:
    """Wait for the line with which a hive says that it listens. One that does not say it in time is stopped again."""
    try:
        channel.wait_line(lambda line: "HTTP server ready" in line, limit_s=deadline.left_s())
    except (ssh.SshTimeout, TimeoutError):
        channel.terminate()
        raise
    except ssh.SshError as error:
        message = f"Failed to start rbee-hive: {error}"
        raise RbeeError("HIVE_START_FAILED", message, node=hive.node, host=hive.host) from error


def _check_alive(session: requests.Session, hive: Hive, deadline: asking.Deadline) -> None:
    response = session.get(hive.url("/v1/health"), timeout=deadline.left_s())
    try:
        asking.answer(response, purpose="Hive health check")
    except RbeeError as error:
        if error.status == 401:
            error.details["host"] = hive.host
        raise
