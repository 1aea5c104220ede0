"""Commands on other machines over SSH, with limits on the clock.

The library is asyncssh; its event loop runs in one thread of its own, and callers wait for what happens there."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncssh

from mocks.common import clock, files

Result = TypeVar("Result")
KEY_LIMIT_BYTES = 64 * 1024
HEAD_LIMIT_BYTES = 64 * 1024  # of a proxy's answer
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_USER = re.compile(r"[^\x00-\x20\x7f]{1,255}")
KEPT_LINES = 200  # of a running command: who waits for a line may come a little late


class SshError(Exception):
    """A command over SSH could not be run; the text says why."""


class SshTimeout(SshError):
    """The host did not answer within the limit."""


class SshRefused(SshError):
    """Nobody takes the connection, or it was closed before the login was done."""


class SshDenied(SshError):
    """The host does not accept the key."""


@dataclass(frozen=True)
class Login:
    """Whom to log in as, and where. Without a key path the user's default keys are tried."""

    host: str
    port: int
    user: str
    key_path: str | None


@dataclass(frozen=True)
class Completed:
    """What a command that has ended left behind."""

    code: int
    stdout: str
    stderr: str


_starting = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def _on_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` on the SSH thread's loop, which is started at first need, and wait for its result."""
    global _loop
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="ssh", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loop).result()


async def _through_proxy(host: str, port: int) -> socket.socket | None:
    """A connection to host and port through the HTTP proxy of the environment (CONNECT), or None where there is no
    proxy."""
    proxy = urlsplit(os.environ.get("HTTP_PROXY") or os.environ.get("http_proxy") or "")
    if not proxy.hostname:
        return None
    loop = asyncio.get_running_loop()
    tunnel = socket.socket()
    tunnel.setblocking(False)
    try:
        await loop.sock_connect(tunnel, (proxy.hostname, proxy.port or 80))
        await loop.sock_sendall(tunnel, f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):  # a byte at a time: what follows the head belongs to SSH
            byte = await loop.sock_recv(tunnel, 1)
            if not byte or len(head) > HEAD_LIMIT_BYTES:
                raise SshRefused("Connection refused")
            head += byte
        if head.split(b" ", 2)[1:2] != [b"200"]:
            raise SshRefused(f"the proxy answered {head.splitlines()[0].decode('ascii', 'replace')}")
    except BaseException:
        tunnel.close()
        raise
    return tunnel


async def _connect(login: Login) -> asyncssh.SSHClientConnection:
    """A connection logged in as `login` says. Algorithms are pinned, which makes a login quicker than a negotiation of
    all."""
    _check(login)
    keys: dict[str, Any] = {"client_keys": [_key(login.key_path)]} if login.key_path else {}
    try:
        tunnel = await _through_proxy(login.host, login.port)
        return await asyncssh.connect(
            login.host if tunnel is None else "",
            login.port if tunnel is None else (),
            sock=tunnel,
            username=login.user,
            known_hosts=None,
            config=[],
            agent_path=None,
            login_timeout=0,
            kex_algs=["curve25519-sha256"],
            encryption_algs=["aes128-gcm@openssh.com", "aes128-ctr"],
            compression_algs=["none"],
            **keys,
        )
    except asyncssh.PermissionDenied as error:
        raise SshDenied("Permission denied (publickey)") from error
    except ValueError as error:  # the library's rules for names
        raise SshError(f"nobody can log in as {login.user!r} at {login.host!r}: {error}") from error
    except (OSError, asyncssh.Error) as error:
        raise SshRefused(str(error) or "Connection refused") from error


def _check(login: Login) -> None:
    """Raises SshError for a host or user that cannot be one: nothing of it goes into a request to the proxy."""
    for what, name, kind in (("host", login.host, _HOST), ("user", login.user, _USER)):
        if not kind.fullmatch(name):
            raise SshError(f"{name!r} is no name of a {what}")


def _key(path: str) -> asyncssh.SSHKey:
    """The private key in the file at `path`. Raises SshError."""
    try:
        return asyncssh.import_private_key(files.read(os.path.expanduser(path), KEY_LIMIT_BYTES))
    except FileNotFoundError as error:
        raise SshError(f"there is no key at {path}") from error
    except (OSError, ValueError) as error:  # asyncssh's own errors of keys are ValueErrors
        raise SshError(f"the key {path} cannot be read: {error}") from error


async def _within(limit_s: float, work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return await clock.within(limit_s, work)
    except TimeoutError as error:
        raise SshTimeout("Connection timeout") from error


def _check_command(command: str) -> None:
    if "\0" in command:
        raise SshError("nul byte found in provided data")


async def _run(login: Login, command: str) -> Completed:
    _check_command(command)
    connection = await _connect(login)
    try:
        done = await connection.run(command)
    except asyncssh.Error as error:
        raise SshRefused(str(error)) from error
    finally:
        connection.close()
    code = done.exit_status if done.exit_status is not None else -1
    return Completed(code, str(done.stdout or ""), str(done.stderr or ""))


def run(login: Login, command: str, *, limit_s: float) -> Completed:
    """Log in, run `command` and wait for its end, all within `limit_s` seconds on the clock.

    Raises SshTimeout, SshRefused, SshDenied, or SshError for a key that cannot be used."""
    return _on_loop(_within(limit_s, _run(login, command)))


class Remote:
    """A command that runs on another machine and stays in touch: see `start`."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        process: asyncssh.SSHClientProcess[str],
        on_line: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._process = process
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._waiting: list[tuple[Callable[[str], bool], asyncio.Future[str]]] = []
        self._errors = ""
        self._end = asyncio.ensure_future(self._read())

    @property
    def code(self) -> int | None:
        """The command's exit code; None while it runs, and after a signal or a lost connection."""
        return self._process.exit_status

    async def _read(self) -> None:
        """Take in the command's output until its end, and answer who waits for a line. A lost connection is an end."""
        errors = asyncio.ensure_future(self._process.stderr.read())
        try:
            async for line in self._process.stdout:
                self._take(line.rstrip("\n"))
            self._errors = (await errors).strip()
            await self._process.wait_closed()
        except (OSError, asyncssh.Error) as error:
            self._errors = str(error) or "the connection was lost"
        finally:
            errors.cancel()
            self._connection.close()
        for _, found in self._waiting:
            if not found.done():
                found.set_exception(self._ended())

    def _take(self, line: str) -> None:
        self._lines.append(line)
        self._on_line(line)
        for predicate, found in self._waiting:
            if not found.done() and predicate(line):
                found.set_result(line)

    def _ended(self) -> SshError:
        return SshError(self._errors or f"the command ended with code {self.code}")

    async def _find_line(self, predicate: Callable[[str], bool]) -> str:
        past = next(filter(predicate, self._lines), None)
        if past is not None:
            return past
        if self._end.done():
            raise self._ended()
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((predicate, found))
        return await found

    async def _wait_end(self) -> int:
        await asyncio.shield(self._end)
        return self.code if self.code is not None else -1

    def wait_line(self, predicate: Callable[[str], bool], *, limit_s: float) -> str:
        """The first line of output, past or to come, that fulfils `predicate`.

        Raises SshTimeout after `limit_s` seconds on the clock, SshError when the command ended without such a line."""
        return _on_loop(_within(limit_s, self._find_line(predicate)))

    def wait(self, *, limit_s: float) -> int:
        """The exit code once the command has ended (-1 for a signal). Raises SshTimeout after `limit_s` seconds."""
        return _on_loop(_within(limit_s, self._wait_end()))

    def terminate(self) -> None:
        """Send the command SIGTERM. One that has ended already is left alone."""

        async def send() -> None:
            if not self._end.done():
                self._process.terminate()

        _on_loop(send())


async def _start(login: Login, command: str, on_line: Callable[[str], None]) -> Remote:
    _check_command(command)
    connection = await _connect(login)
    return Remote(connection, await connection.create_process(command), on_line)


def start(login: Login, command: str, *, limit_s: float, on_line: Callable[[str], None]) -> Remote:
    """Log in within `limit_s` seconds on the clock and start `command`, which then runs on; its channel stays open.

    `on_line` gets each line of its output, called from the SSH thread: it must not block. Raises as `run` does."""
    return _on_loop(_within(limit_s, _start(login, command, on_line)))
