"""The terminal side of a program: how it reads its command line, fails and ends (docs/contract.md, section 1)."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from mocks.common import machine
from mocks.common.errors import RbeeError

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended (docs/contract.md, section 4.4)."""


class Parser(argparse.ArgumentParser):
    """A command line whose mistakes are told as rbee tells them: on stderr, with exit code 2.

    An option counts only in full and only once; a missing subcommand gets the whole help text. The words are the same
    on every Python: none are in colour, and lists of options and of choices have one form.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": _Formatter, **kwargs})
        self.color = False  # Python 3.14 would, on a terminal
        self.register("action", None, _Once)
        self.register("action", "store_true", _Flag)
        self._branches = False

    def add_subparsers(self, **kwargs: Any) -> Any:
        """The parsers of the subcommands, one of which has to be given."""
        self._branches = True
        return super().add_subparsers(required=True, **kwargs)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, but for a command line that ends where a subcommand is needed."""
        words = sys.argv[1:] if args is None else list(args)
        for action in self._actions:
            if isinstance(action, _Once):
                action.given = False
        if self._branches and not words:
            self.print_help(sys.stderr)
            self.exit(2)
        return super().parse_known_args(words, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = ", ".join(str(choice) for choice in action.choices)
            raise argparse.ArgumentError(action, f"invalid choice: '{value}' (choose from {choices})")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, how it is used, and end with exit code 2."""
        self.exit(2, f"error: {message}\n\n{self.format_usage()}\nFor more information, try '--help'.\n")


def run(main: Callable[[argparse.Namespace], int], parser: argparse.ArgumentParser) -> NoReturn:
    """Parse the command line, run `main` with it, and end the process with the code that it returns.

    An RbeeError or an OSError of `main` becomes `Error: <message>` on stderr and exit code 1, and so does a stdout that
    takes nothing; Ctrl-C is exit code 130."""
    # Whoever starts a program in the background of a script gives it SIGINT ignored; Ctrl-C is to end it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _prepare_streams()
    try:
        code = _ended(main, parser)
    except OSError as failure:
        code = _fail(os_text(failure))
    except RbeeError as failure:
        code = _fail(failure.message)
    except KeyboardInterrupt:
        code = INTERRUPTED
    _let_go_of_streams()
    sys.exit(code)


def _ended(main: Callable[[argparse.Namespace], int], parser: argparse.ArgumentParser) -> int | str | None:
    """The exit code of `main`, or of a command line that does not get so far. Raises as `main` does."""
    try:
        _check_words(parser)
        code: int | str | None = main(parser.parse_args())
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    return code


def _check_words(parser: argparse.ArgumentParser) -> None:
    """A word that is not UTF-8 could be neither shown nor kept, and no request can carry it."""
    for word in sys.argv[1:]:
        try:
            word.encode()
        except UnicodeEncodeError:
            parser.error("invalid UTF-8 was detected in one or more arguments")


def _prepare_streams() -> None:
    """Have standard files that can be written to, whatever the process came with."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one. Left free, a database could get it, and then what is printed.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(2)


def _stream(number: int) -> io.TextIOWrapper:
    """Text to a standard file: in UTF-8, as rbee's words are whatever the locale is. Whoever reads a pipe sees each
    line when it is printed, and before an error that follows it."""
    file = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _let_go_of_streams() -> None:
    """Nobody may read any more, or the disk is full. Python would try to write what is left at exit, and complain."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def whole(largest: int) -> Callable[[str], int]:
    """The type of an option that is a whole number from 0 to `largest`."""

    def number(text: str) -> int:
        digits = text.lstrip("0") or text[-1:]
        plain = text.isascii() and text.isdigit()
        if not (plain and len(digits) <= len(str(largest)) and int(digits) <= largest):
            raise argparse.ArgumentTypeError(f"invalid value '{text}': not a whole number from 0 to {largest}")
        return int(digits)

    return number


def os_text(failure: OSError) -> str:
    """A failure of the operating system in rbee's form: `Address already in use (os error 98)`."""
    return f"{failure.strerror} (os error {failure.errno})" if failure.errno else str(failure)


def _fail(message: str) -> int:
    with contextlib.suppress(OSError):  # then nobody reads it
        print(f"Error: {message}", file=sys.stderr)
    return 1


class Version(argparse.Action):
    """Prints the version of the program, as its environment tells it, and ends with exit code 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(nargs=0, default=argparse.SUPPRESS, help="show program's version number and exit", **kwargs)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: object,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        print(f"{parser.prog} {machine.version()}")
        parser.exit()


class _Formatter(argparse.HelpFormatter):
    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "Usage: " if prefix is None else prefix)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        metavar = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {metavar}"


class _Once(argparse.Action):
    """Stores the value of an option or argument; a second one is an error."""

    given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if self.given:
            parser.error(f"the argument '{option_string}' cannot be used multiple times")
        self.given = True
        # An option without values is one that is either given or not.
        setattr(namespace, self.dest, True if self.nargs == 0 else values)


class _Flag(_Once):
    """An option without a value: True when it is given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(nargs=0, default=False, **kwargs)
