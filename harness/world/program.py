"""One program that runs on a stage: what it says and how it ends, as events of the world's loop.

Output is read from pipes, an end is seen on a pidfd. So what was said before a moment on the clock is known at that
moment."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from harness.world.topology import Node, Stage
from mocks.common.launch import Launched

PIPE_BYTES = 1 << 20  # the most that a pipe can be made to hold: one read takes all there is
OUTPUT_BYTES = 16 << 20  # the most that a program may print: no scenario's prints a hundredth of it
LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in its place is no log

OnOutput = Callable[[str, bytes], None]
OnExit = Callable[[int], None]


class Program:
    """One program that was started: passes its output on, and tells its end.

    `outputs` are its streams' names and the pipes to read them from, which it closes. An output goes to the log, to
    `on_output` (stream, bytes) and, as text, to the stage. Pipes that a grandchild holds are read on after the end.

    One that prints more than OUTPUT_BYTES is told, read no more, and killed: neither memory nor disk is without end."""

    def __init__(
        self,
        stage: Stage,
        program: str,
        node: Node,
        process: Launched,
        outputs: Mapping[str, int],
        on_output: OnOutput | None,
        on_exit: OnExit,
    ) -> None:
        self.pid: int = process.pid
        self._stage = stage
        self._names: dict[str, Any] = {"program": program, "node": node.name, "pid": process.pid}
        self._pipes = dict(outputs)
        self._decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in outputs}
        self._on_output = on_output
        self._on_exit = on_exit
        self._log = _open_log(stage.directory / "logs" / f"{node.name}-{program}-{process.pid}.log")
        self._left_bytes = OUTPUT_BYTES
        self._has_ended = False
        self._loop = asyncio.get_running_loop()
        for stream, pipe in outputs.items():
            os.set_blocking(pipe, False)
            self._loop.add_reader(pipe, self._read, stream)
        when_ended(process, self._end)

    def close(self) -> None:
        """Nobody is left to write: take in what there still is, and let go of the pipes."""
        for stream in list(self._pipes):
            self._read_rest(stream)
            self._close(stream)

    def _read(self, stream: str) -> bool:
        """Take in what can be read of a stream now; whether there was something."""
        try:
            data = os.read(self._pipes[stream], PIPE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._close(stream)
            return False
        taken = data[: self._left_bytes]
        self._left_bytes -= len(taken)
        with contextlib.suppress(OSError):  # the disk is full, perhaps; what it said is known all the same
            self._log.write(taken)
        if self._on_output is not None:
            self._on_output(stream, taken)
        self._tell_output(stream, self._decoders[stream].decode(taken))
        if len(taken) < len(data):
            self._end_flood()
            return False
        return True

    def _end_flood(self) -> None:
        """It has printed too much."""
        self._stage.tell("overrun", **self._names, limit_bytes=OUTPUT_BYTES)
        if not self._has_ended:
            os.kill(self.pid, signal.SIGKILL)
        for stream in list(self._pipes):
            self._close(stream)  # whoever else holds them can print no more

    def _read_rest(self, stream: str) -> None:
        """Read a stream to its end or, when somebody still holds it, take in what can be read at this moment."""
        if self._read(stream):
            self._read(stream)

    def _close(self, stream: str) -> None:
        if stream not in self._pipes:
            return
        pipe = self._pipes.pop(stream)
        self._loop.remove_reader(pipe)
        os.close(pipe)
        self._tell_output(stream, self._decoders[stream].decode(b"", final=True))
        if not self._pipes:
            self._log.close()

    def _tell_output(self, stream: str, text: str) -> None:
        if text:
            self._stage.tell("output", **self._names, stream=stream, text=text)

    def _end(self, code: int) -> None:
        self._has_ended = True
        for stream in list(self._pipes):
            self._read_rest(stream)
        self._stage.tell("exited", **self._names, code=code)
        self._on_exit(code)


def _open_log(path: Path) -> BinaryIO:
    """A program's log; where it cannot be, nothing is kept: what the program says is told all the same."""
    try:
        file = os.open(path, LOG_FLAGS, 0o666)
    except OSError:
        file = os.open(os.devnull, os.O_WRONLY)
    return open(file, "ab", buffering=0)


def when_ended(process: Launched, then: OnExit) -> None:
    """Call `then` with the exit code of a child when it has ended."""
    loop = asyncio.get_running_loop()
    pidfd = os.pidfd_open(process.pid)

    def end() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        code = process.poll()
        assert code is not None
        then(code)

    loop.add_reader(pidfd, end)
