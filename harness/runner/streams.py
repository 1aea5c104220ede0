"""The streams to which the runner writes: they may be missing, full, closed or deaf, and the run goes on."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from behave.formatter.base import StreamOpener  # type: ignore[import-untyped]

from harness.report.progress import LineWatcher
from harness.runner.standard_streams import NAMES


class Enduring(LineWatcher):
    """A text stream that passes everything on, until that fails for the first time; from then on it keeps silent.

    broken: what failed."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.broken: Exception | None = None

    def write(self, text: str) -> int:
        """Write `text`."""
        if self.broken is None:
            try:
                return super().write(text)
            except (OSError, ValueError) as error:
                self._break(error)
        return len(text)

    def flush(self) -> None:
        """Bring out what was written."""
        if self.broken is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._break(error)

    def _break(self, error: Exception) -> None:
        self.broken = error
        # What is still in its buffer would be tried again, by the end of the program at the latest.
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)


class Report(StreamOpener):  # type: ignore[misc] # it has no types
    """Opens the file of a formatter: any text goes there, and a change of directory does not move it."""

    def __init__(self, path: str) -> None:
        super().__init__(filename=os.path.abspath(path))

    def open(self) -> Any:
        """The stream, which is opened when it is first asked for."""
        if self.stream is None or self.stream.closed:
            self.ensure_dir_exists(os.path.dirname(self.name))
            self.stream: Any = open(self.name, "w", encoding=self.encoding, errors="backslashreplace")  # noqa: SIM115
            self.should_close_stream = True
        return self.stream


def prepare(config: Any) -> None:
    """Make the standard streams, and those of behave's formatters, fit for any text and for any end."""
    before = sys.stdout
    for name in NAMES[1:]:
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            # What a scenario prints may have characters that the terminal has not.
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, Enduring(stream))
    for place, output in enumerate(config.outputs):
        if output.name is not None:
            config.outputs[place] = Report(output.name)
        elif output.stream is None or output.stream is before:
            config.outputs[place] = StreamOpener(stream=sys.stdout)
    config.junit_directory = os.path.abspath(config.junit_directory)
