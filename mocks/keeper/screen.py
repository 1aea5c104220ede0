"""What the user sees of an inference: tokens on stdout, all else on stderr (docs/contract.md, section 9 row 2)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mocks.keeper import colour, progress
from mocks.keeper.progress import Bar

if TYPE_CHECKING:
    from rich.live import Live

STEP_PERCENT = 5
"""Where a bar cannot be redrawn, a line of it is worth printing when it grew by so much."""


class Screen:
    """The terminal, or the two streams in its place. A context: leaving it ends the line that was begun."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._bar: Bar | None = None
        self._tokens = 0
        self._within_line = False

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._settle()

    def say(self, text: str, colour_code: str | None = None) -> None:
        """Print a line, or several, on stderr."""
        self._settle()
        print(colour.paint(text, colour_code, sys.stderr) if colour_code else text, file=sys.stderr, flush=True)

    def narrate(self, actor: str, human: str) -> None:
        """Print what `actor` tells."""
        self.say(f"{colour.paint(f'[{actor}]', colour.CYAN, sys.stderr)} {human}")

    def token(self, text: str) -> None:
        """Print a token, at once. Raises BrokenPipeError when nobody reads stdout any more."""
        if not self._tokens:
            self.say("Tokens:", colour.CYAN)
        self._settle_bar()
        self._tokens += 1
        sys.stdout.write(text)
        sys.stdout.flush()
        self._within_line = not text.endswith("\n")

    def progress(self, event: Mapping[str, Any]) -> None:
        """Show a progress event: a live bar on a terminal, else a line when enough has changed."""
        if event.get("stage") == "ready":
            self.say("Model ready!")
        elif event.get("stage") == "retrying":
            self._bar = None
            self.say(f"Error: {event.get('error')}")
            attempt = f"attempt {event.get('attempt')}/{event.get('attempts')}"
            self.say(f"Retrying download ({attempt})... delay {event.get('delay_ms')}ms")
        elif shown := progress.bar(event):
            self._show(shown)

    def _show(self, bar: Bar) -> None:
        last = self._bar if self._bar and self._bar.stage == bar.stage else None
        grown = last is None or bar.percent - last.percent >= STEP_PERCENT
        if sys.stderr.isatty():
            if last is None:
                self._settle_bar()
            self._draw(bar.text)
        elif grown:
            self.say(bar.text)
        if grown:
            self._bar = bar

    def _draw(self, text: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            self._end_line()
            # Redrawn by us alone: without a thread of its own.
            self._live = Live(
                console=Console(stderr=True), auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(Text(text, no_wrap=True, overflow="crop"), refresh=True)

    def _settle(self) -> None:
        self._settle_bar()
        self._end_line()

    def _settle_bar(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _end_line(self) -> None:
        if self._within_line:
            # stdout holds tokens alone, unless it is a terminal.
            print(file=sys.stdout if sys.stdout.isatty() else sys.stderr, flush=True)
            self._within_line = False
