"""The command line of bin/bdd-runner: behave's own, with LLORCH_BDD_FEATURE_PATH, and exit code 2 for wrong use."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from behave.__main__ import run_behave
from behave.configuration import Configuration, setup_parser

PROJECT = Path(__file__).resolve().parent.parent
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


def main(arguments: Sequence[str]) -> int:
    """Run behave with `arguments` and return its exit code; wrong use is told in one sentence and is 2."""
    try:
        configuration = Configuration(arguments_with_feature_path(arguments, os.environ.get(FEATURE_PATH, ""), PROJECT))
    except Exception as error:
        print(f"bdd-runner: {error}", file=sys.stderr)
        return WRONG_USE
    exit_code: int = run_behave(configuration)
    return exit_code


if __name__ == "__main__":
    sys.argv[0] = "bdd-runner"  # for the usage text
    sys.exit(main(sys.argv[1:]))
