"""One program that runs on a stage: what it says and how it ends, as events of the world's loop.

Output is read from pipes, an end is seen on a pidfd. So what was said before a moment on the clock is known at that
moment."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import Callable, Mapping
from typing import Any

from harness.world.topology import Node, Stage
from mocks.common.launch import Launched

PIPE_BYTES = 1 << 20  # the most that a pipe can be made to hold: one read takes all there is

OnOutput = Callable[[str, bytes], None]
OnExit = Callable[[int], None]


class Program:
    """One program that was started: passes its output on, and tells its end.

    `outputs` are its streams' names and the pipes to read them from, which it closes. An output goes to the log, to
    `on_output` (stream, bytes) and, as text, to the stage. Pipes that a grandchild holds are read on after the end."""

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
        self._log = (stage.directory / "logs" / f"{node.name}-{program}-{process.pid}.log").open("ab", buffering=0)
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
        self._log.write(data)
        if self._on_output is not None:
            self._on_output(stream, data)
        self._tell_output(stream, self._decoders[stream].decode(data))
        return True

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
        for stream in list(self._pipes):
            self._read_rest(stream)
        self._stage.tell("exited", **self._names, code=code)
        self._on_exit(code)


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
