"""The command line of bin/bdd-runner: behave's own, with LLORCH_BDD_FEATURE_PATH, and exit code 2 for wrong use."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from behave.__main__ import run_behave
from behave.configuration import Configuration, setup_parser

import harness.settings  # noqa: F401 # it declares options, of which some are paths
from harness import front_door
from harness.runner.declared import known

PROJECT = Path(__file__).resolve().parent.parent
FROM = "RBEE_BDD_FROM"  # where the user stands; bin/bdd-runner says it
# Options of behave whose value is a path.
PATH_OPTIONS = {"-o", "--outfile", "--junit-directory"}
FEATURE_PATH = "LLORCH_BDD_FEATURE_PATH"
WRONG_USE = 2


def feature_address(value: str, project: Path) -> str:
    """The address that behave understands for a value of LLORCH_BDD_FEATURE_PATH.

    `value` names a feature file or a directory, absolute or relative to `project`, in the project's form or in the Rust
    harness's (`…/tests/features/test-001.feature`), with or without `:line`. Raises ValueError, with a sentence that
    tells what to do, when there is no such file.
    """
    line = "".join(re.findall(r":\d+$", value))
    name = value.removesuffix(line)
    _, rust_form, below = f"/{name}/".partition("/tests/features/")
    for path in [Path(name), *([Path("features", below)] if rust_form else [])]:
        if name and (project / path).exists():
            return f"{path}{line}"
    raise ValueError(f"{FEATURE_PATH}={value}: no such file in {project}; features/test-001.feature[:line] is one")


def arguments_with_feature_path(arguments: Sequence[str], value: str, project: Path) -> list[str]:
    """The arguments for behave: a path among `arguments` goes before `value`, the one of LLORCH_BDD_FEATURE_PATH."""
    if not value or setup_parser().parse_known_args(arguments)[0].paths:
        return list(arguments)
    return [*arguments, feature_address(value, project)]


def from_place(arguments: Sequence[str], place: Path, project: Path) -> list[str]:
    """The arguments for behave, which runs in `project`: a path is relative to `place`, where the user stands, unless
    there is nothing of that name, but something in the project."""
    paths = set(setup_parser().parse_known_args(arguments)[0].paths)
    given = known()
    found: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, equals, value = argument.removeprefix("-D").partition("=")
        if before in PATH_OPTIONS or argument in paths:
            argument = _at(argument, place, project)
        elif equals and name in PATH_OPTIONS:
            argument = f"{name}={_at(value, place, project)}"
        elif equals and (before == "-D" or argument.startswith("-D")) and name in given and given[name].is_path:
            argument = argument.removesuffix(value) + _at(value, place, project)
        found.append(argument)
    return found


def _at(path: str, place: Path, project: Path) -> str:
    """The path as it is meant. A line (`:LINE`) and the sign of a list (`@FILE`) are no part of it."""
    if not path or path.startswith(("/", "~")):
        return path
    sign = "@" if path.startswith("@") else ""
    name = re.sub(r":\d+$", "", path.removeprefix("@"))
    if place == project or ((project / name).exists() and not (place / name).exists()):
        return path
    return f"{sign}{place / path.removeprefix('@')}"


@contextmanager
def only_the_projects_configuration() -> Iterator[None]:
    """Within it behave looks for its configuration in the project alone: it reads files of the home directory, too."""
    home = os.environ.get("HOME")
    os.environ["HOME"] = str(PROJECT)
    try:
        yield
    finally:
        if home is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = home


def main(arguments: Sequence[str]) -> int:
    """Run behave with `arguments` and return its exit code; wrong use is told in one sentence and is 2. What is asked
    of the runner itself (-h, doctor) is answered."""
    if {"-h", "--help"} & set(arguments):
        print(front_door.help_text())
        return 0
    if list(arguments) == ["doctor"]:
        code, said = front_door.doctor(os.environ)
        print(said)
        return code
    arguments = ["--help" if argument == "--help-behave" else argument for argument in arguments]
    try:
        placed = from_place(arguments, Path(os.environ.pop(FROM, "") or PROJECT), PROJECT)
        with only_the_projects_configuration():
            feature_path = os.environ.get(FEATURE_PATH, "")
            configuration = Configuration(arguments_with_feature_path(placed, feature_path, PROJECT))
    except Exception as error:
        print(f"bdd-runner: {error}", file=sys.stderr)
        return WRONG_USE
    exit_code: int = run_behave(configuration)
    return exit_code


if __name__ == "__main__":
    sys.argv[0] = "bdd-runner"  # for the usage text
    sys.exit(main(sys.argv[1:]))
