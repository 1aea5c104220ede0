"""Manners of the source: no waiting behind the clock's back, nothing of this machine, nothing unfinished."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
MAY_SLEEP = {
    "mocks/common/clock.py": "the module through which all stand-ins wait",
    "harness/world/clock.py": "in real time nobody tells that everybody sleeps: that is looked for now and then",
    "harness/world/sockets.py": "the kernel has no event for 'the other side has acknowledged everything'",
}
SLEEPS = {"time.sleep", "asyncio.sleep"}
# They ask a name server, and a program that waits for one looks idle to the clock.
NAME_LOOKUPS = {"socket.getfqdn", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getaddrinfo"}
MODULE_LINES, TEST_MODULE_LINES = 300, 500
UNFINISHED = re.compile("|".join(["TO" + "DO", "FIX" + "ME"]))


def ours(suffix: str = "") -> list[Path]:
    """The project's own files, from the project's directory, whose name ends with `suffix`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [Path(name) for name in names if name.endswith(suffix) and (PROJECT / name).is_file()]


def sources() -> list[Path]:
    """Python modules and scripts."""
    return [*ours(".py"), *(path for path in ours() if path.parts[0] in {"bin", "scripts", ".ci"})]


def text(path: Path) -> str:
    return (PROJECT / path).read_text(encoding="utf-8", errors="replace")


def calls(path: Path) -> Iterator[str]:
    """The full names of the module functions that the Python module at `path` names; a sleep of 0 is no sleep."""
    tree = ast.parse(text(path))
    zero_calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and is_zero(node.args)}
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if id(node) in zero_calls:
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        if isinstance(node, ast.Name):
            yield known.get(node.id, node.id)


def is_zero(arguments: list[ast.expr]) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], ast.Constant) and arguments[0].value == 0


def public_without_docstring(path: Path) -> Iterator[str]:
    """The public functions and classes at the top of the module at `path` that promise nothing."""
    for node in ast.parse(text(path)).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{path}:{node.lineno} {node.name}"


def offences(paths: list[Path], found: Callable[[Path], object]) -> list[str]:
    return [f"{path}: {offence}" for path in paths if (offence := found(path))]


def naming(names: set[str], paths: list[Path]) -> list[Path]:
    """Those of the paths in whose text the last part of one of the names stands: others need not be parsed."""
    words = {name.rpartition(".")[2] for name in names}
    return [path for path in paths if any(word in text(path) for word in words)]


def test_nothing_sleeps_but_the_clock() -> None:
    paths = naming(SLEEPS, [path for path in ours(".py") if str(path) not in MAY_SLEEP])

    assert offences(paths, lambda path: SLEEPS & set(calls(path))) == []


def test_stand_ins_ask_no_name_server() -> None:
    paths = naming(NAME_LOOKUPS, [path for path in ours(".py") if path.parts[0] == "mocks"])

    assert offences(paths, lambda path: NAME_LOOKUPS & set(calls(path))) == []


def test_scripts_do_not_sleep() -> None:
    paths = [path for path in sources() if path.suffix != ".py"]

    assert offences(paths, lambda path: re.findall(r"^\s*sleep .*", text(path), re.MULTILINE)) == []


def test_no_file_names_this_checkout() -> None:
    assert offences(ours(), lambda path: str(PROJECT) in text(path)) == []


def test_nothing_is_left_unfinished() -> None:
    assert offences(sources(), lambda path: UNFINISHED.findall(text(path))) == []


def test_modules_are_small() -> None:
    def too_long(path: Path) -> int:
        lines = len(text(path).splitlines())
        return lines if lines > (TEST_MODULE_LINES if path.parts[0] == "tests" else MODULE_LINES) else 0

    assert offences(sources(), too_long) == []


def test_public_functions_and_classes_say_what_they_promise() -> None:
    paths = [path for path in ours(".py") if path.parts[0] in {"harness", "mocks"}]

    assert [offence for path in paths for offence in public_without_docstring(path)] == []


@pytest.mark.parametrize(
    "source", ["import time\ntime.sleep(1)", "from time import sleep as nap\nnap(1)", "import time\nwait = time.sleep"]
)
def test_a_sleep_is_noticed_however_it_is_imported(source: str, tmp_path: Path) -> None:
    (tmp_path / "nap.py").write_text(source)

    assert SLEEPS & set(calls(tmp_path / "nap.py"))
