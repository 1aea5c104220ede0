"""A node's SSH server: who logs in, and what they have done there.

A command is run by `/bin/sh` in the user's home, as every SSH server does it. In two ways this one differs from
OpenSSH: a command lives on when its channel closes, and the channel closes when the shell has ended, also where a
program in the background still holds its output."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import weakref
from typing import Any, Protocol

import asyncssh

from harness.world.adoption import children
from harness.world.keys import Keys
from harness.world.named import program_of_command
from harness.world.processes import Processes
from harness.world.sockets import bind
from harness.world.topology import SSH_PORT, Node, Stage

USER = "rbee"
SHELL = "/bin/sh"
READ_BYTES = 64 * 1024
CANNOT_RUN = 255  # the exit code with which ssh speaks for itself


class Place(Stage, Protocol):
    """A stage whose processes a node may start and signal."""

    @property
    def processes(self) -> Processes: ...


class SshServer:
    """The SSH server of one node of a stage."""

    def __init__(self, stage: Place, node: Node, keys: Keys) -> None:
        self.stage = stage
        self.node = node
        self.connections: weakref.WeakSet[asyncssh.SSHServerConnection] = weakref.WeakSet()
        self._options = _options(keys)

    async def open(self) -> None:
        """Listen at the node's address; where the node is on a ground of its own at the port of SSH, else at a free
        one. The node has it as `ssh_port` from now on."""
        loop = asyncio.get_running_loop()
        bound = bind(self.node.address, SSH_PORT if self.node.ground.is_own else 0, self.node.ground)
        self._server = await loop.create_server(lambda: _Connection(loop, self._options, self), sock=bound)
        self.node.ssh_port = bound.getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and break off every connection. Commands live on: they are the stage's processes."""
        self._server.close()
        for connection in self.connections:
            connection.abort()
        await self._server.wait_closed()

    def tell(self, event: str, **fields: Any) -> None:
        """Tell what happened on this node."""
        self.stage.tell(event, node=self.node.name, **fields)


@functools.cache
def _options(keys: Keys) -> asyncssh.SSHServerConnectionOptions:
    """What the SSH servers of all nodes have in common; made once for a world, because it takes long.

    The algorithms are the quickest that OpenSSH's client takes, too. No name is looked up, and no login is limited."""
    user_key = keys.user_key.convert_to_public()
    return asyncssh.SSHServerConnectionOptions(
        server_factory=lambda: _Login(user_key),
        server_host_keys=[keys.host_key],
        kex_algs=["curve25519-sha256"],
        encryption_algs=["aes128-gcm@openssh.com", "aes128-ctr"],
        mac_algs=["hmac-sha2-256"],
        compression_algs=["none"],
        gss_host=None,
        login_timeout=0,
        allow_pty=False,
        line_editor=False,
        agent_forwarding=False,
        encoding=None,
    )


class _Connection(asyncssh.SSHServerConnection):
    """A client's connection, which knows the server that it came to."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: asyncssh.SSHServerConnectionOptions, server: SshServer
    ) -> None:
        super().__init__(loop, options)
        self.server = server

    async def reload_config(self) -> None:
        """Nothing depends on the user here. The library would look for that in a thread, which the clock cannot see."""


class _Login(asyncssh.SSHServer):
    """Lets in the user, with the user's key."""

    def __init__(self, user_key: asyncssh.SSHKey) -> None:
        self._user_key = user_key
        self._key: asyncssh.SSHKey | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        assert isinstance(conn, _Connection)
        self._connection = conn
        conn.server.connections.add(conn)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._key = key
        granted = username == USER and key == self._user_key
        if not granted:
            self._tell(username, granted)
        return granted

    def auth_completed(self) -> None:
        self._tell(self._connection.get_extra_info("username"), True)

    def _tell(self, user: str, granted: bool) -> None:
        assert self._key is not None
        self._connection.server.tell("login", user=user, key=self._key.get_fingerprint(), granted=granted)

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return _Command(self._connection.server)


class _Command(asyncssh.SSHServerSession[bytes]):
    """One command, or without one a shell that reads commands."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._command: str | None = None
        self._pid: int | None = None
        self._typed = asyncio.StreamReader()  # what the client sends
        self._typed_bytes = 0

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True

    def session_started(self) -> None:
        inner_end, outer_end = os.pipe()
        try:
            self._start(inner_end)
            self._feeding = asyncio.ensure_future(self._feed(outer_end))
        except (OSError, ValueError) as error:  # ValueError: there is a NUL in the command
            os.close(outer_end)
            self._channel.write_stderr(f"{error}\n".encode())
            self._channel.exit(CANNOT_RUN)
        finally:
            os.close(inner_end)

    def _start(self, stdin: int) -> None:
        argv = [SHELL] if self._command is None else [SHELL, "-c", self._command]
        start = self._server.stage.processes.start
        program = program_of_command(self._command)
        self._pid = start(
            program,
            argv,
            self._server.node,
            stdin=stdin,
            on_output=self._said,
            on_exit=self._ended,
            over_ssh=True,
        )
        self._server.tell("command", user=USER, command=self._command, pid=self._pid)

    async def _feed(self, stdin: int) -> None:
        """Pass on what the client sends, until it says that there is no more, or the command has ended. A client that
        sends faster than the command reads has to wait."""
        loop = asyncio.get_running_loop()
        file = os.fdopen(stdin, "wb", buffering=0)
        transport, protocol = await loop.connect_write_pipe(lambda: asyncio.streams.FlowControlMixin(loop), file)
        pipe = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            while data := await self._typed.read(READ_BYTES):
                self._typed_bytes -= len(data)
                if self._typed_bytes == 0 and not self._channel.is_closing():
                    self._channel.resume_reading()
                pipe.write(data)
                await pipe.drain()
        except ConnectionError:
            pass  # the command reads no more
        finally:
            pipe.close()

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002
        self._typed.feed_data(data)
        self._typed_bytes += len(data)
        if self._typed_bytes > READ_BYTES:
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        self._typed.feed_eof()
        return True  # the channel stays open for what the command says

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._typed.feed_eof()

    def signal_received(self, signame: str) -> None:
        """Pass a signal on to what the shell runs; to the shell itself where it runs nothing, or has become its last
        command."""
        number = signal.Signals.__members__.get(f"SIG{signame}")
        if number is None or self._pid is None:
            return
        with contextlib.suppress(OSError):  # it has ended meanwhile
            is_shell = os.path.samefile(f"/proc/{self._pid}/exe", SHELL)
            for pid in (is_shell and children(self._pid)) or [self._pid]:
                self._server.stage.processes.signal(pid, number)

    def _said(self, stream: str, data: bytes) -> None:
        if self._channel.is_closing():
            return
        if stream == "stdout":
            self._channel.write(data)
        else:
            self._channel.write_stderr(data)

    def _ended(self, code: int) -> None:
        self._server.tell("commanded", pid=self._pid, code=code)
        self._feeding.cancel()
        if self._channel.is_closing():
            return
        if code >= 0:
            self._channel.exit(code)
        else:
            self._channel.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
