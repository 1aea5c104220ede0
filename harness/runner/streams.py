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
    """Opens the file of a formatter: any text goes there, a change of directory does not move it, and a run that does
    not take place does not empty it."""

    def __init__(self, path: str) -> None:
        super().__init__(filename=os.path.abspath(path))

    def open(self) -> Any:
        """The stream; its file is opened, and made, when something is written or when it is closed."""
        if self.stream is None or self.stream.closed:
            self.stream: Any = Late(self.name, self.encoding)
            self.should_close_stream = True
        return self.stream


class Late:
    """A text stream into the file at `path`, which is opened when it is first used."""

    def __init__(self, path: str, encoding: str) -> None:
        self._path, self.encoding = path, encoding
        self._file: TextIO | None = None

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._file is not None and self._file.closed

    def __getattr__(self, name: str) -> Any:
        if self._file is None:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._file = open(self._path, "w", encoding=self.encoding, errors="backslashreplace")  # noqa: SIM115
        return getattr(self._file, name)


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
