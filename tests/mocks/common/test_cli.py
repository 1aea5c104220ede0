"""How a program of rbee reads its command line, fails and ends."""

from __future__ import annotations

import argparse
import errno
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from mocks.common import cli
from mocks.common.errors import RbeeError

BROKEN_PIPE = """
import sys
from mocks.common import cli

def main(_):
    for _ in range(100_000):
        print("token", flush=True)
    return 0

cli.run(main, cli.Parser(prog="p"))
"""


def parser() -> cli.Parser:
    parser = cli.Parser(prog="rbee-x")
    commands = parser.add_subparsers(metavar="COMMAND")
    infer = commands.add_parser("infer")
    infer.add_argument("--node", required=True)
    infer.add_argument("--max-tokens", type=int, default=20)
    infer.add_argument("--follow", action="store_true")
    pool = commands.add_parser("pool")
    pool.add_argument("--host", required=True)
    pool.add_subparsers(metavar="COMMAND").add_parser("list")
    return parser


def usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    return told.err


def end_of(main: Callable[[argparse.Namespace], int], monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["rbee-x"])
    with pytest.raises(SystemExit) as ended:
        cli.run(main, cli.Parser(prog="rbee-x"))
    return ended.value.code


def test_values_and_defaults() -> None:
    arguments = parser().parse_args(["infer", "--node", "", "--follow"])

    assert (arguments.node, arguments.max_tokens, arguments.follow) == ("", 20, True)


def test_a_usage_error_has_rbees_form(capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(["infer", "--node", "n", "--max-tokens", "many"], capsys)

    error, blank, *usage, blank_again, hint = said.splitlines()
    assert error == "error: argument --max-tokens: invalid int value: 'many'"
    assert usage[0].startswith("Usage: rbee-x infer ")
    assert (blank, blank_again, hint) == ("", "", "For more information, try '--help'.")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["infer"], "--node"),
        (["dance"], "dance"),
        (["infer", "--node", "n", "--colour"], "--colour"),
        (["infer", "--node", "n", "--foll"], "--foll"),
        (["infer", "--node"], "--node"),
        (["pool", "list", "--host", "h"], "--host"),
    ],
)
def test_a_usage_error_names_what_is_wrong(words: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(words, capsys)

    assert what in said.splitlines()[0]


@pytest.mark.parametrize("again", [["--node", "n"], ["--node=m"], ["--follow", "--follow"], ["--max-tokens=20"] * 2])
def test_an_option_given_twice_is_an_error(again: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(["infer", "--node", "n", *again], capsys)

    assert "cannot be used multiple times" in said


@pytest.mark.parametrize("words", [[], ["pool"]])
def test_a_missing_subcommand_gets_the_whole_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(words, capsys)

    assert said.startswith("Usage: ")
    assert "--help" in said
    assert "error:" not in said


def test_help_goes_to_stdout_with_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["infer", "-h"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: rbee-x infer ")


def test_help_and_choices_have_one_form_on_every_python(capsys: pytest.CaptureFixture[str]) -> None:
    parser = cli.Parser(prog="rbee-x")
    parser.add_argument("-p", "--port", metavar="PORT", choices=["1", "2"], help="where to listen")

    assert "  -p, --port PORT  where to listen\n" in parser.format_help()
    with pytest.raises(SystemExit):
        parser.parse_args(["--port", "3"])
    assert "error: argument -p/--port: invalid choice: '3' (choose from 1, 2)\n" in capsys.readouterr().err


def test_the_exit_code_is_what_main_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    code = end_of(lambda _: 130, monkeypatch)

    assert code == 130


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (RbeeError("X", "Node 'n' not found"), "Error: Node 'n' not found\n"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "Error: Address already in use (os error 98)\n"),
        (OSError("the clock is gone"), "Error: the clock is gone\n"),
    ],
)
def test_a_failure_is_one_line_on_stderr_and_exit_code_1(
    failure: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(_: argparse.Namespace) -> int:
        raise failure

    code = end_of(main, monkeypatch)

    assert (code, capsys.readouterr()) == (1, ("", said))


def test_ctrl_c_is_exit_code_130_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(_: argparse.Namespace) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    code = end_of(main, monkeypatch)

    assert (code, capsys.readouterr()) == (130, ("", ""))


@pytest.mark.parametrize("text", ["0", "65535"])
def test_a_whole_number_in_its_range(text: str) -> None:
    assert cli.whole(65535)(text) == int(text)


@pytest.mark.parametrize("text", ["", "-1", "65536", "5.0", " 5", "5_0", "٣", "five"])
def test_what_is_no_whole_number_in_its_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a whole number from 0 to 65535"):
        cli.whole(65535)(text)


def test_a_reader_that_went_away_ends_the_program_with_one_line() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", BROKEN_PIPE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()

    said = program.stderr.read()

    program.stderr.close()
    assert (program.wait(10), said) == (1, "Error: Broken pipe (os error 32)\n")
