"""The walls of docs/design.md: which part may know which. That is why a stand-in can be exchanged for a real binary."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OURS = {"bin", "features", "harness", "mocks", "scripts", "tests"}
LAUNCH_AND_RETRY = {"mocks.common.launch", "mocks.common.retry"}


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that the module at `path` imports, wherever in it; of `from a import b` a.b."""
    package = path.relative_to(PROJECT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def offences(folder: str, *, may_know: set[str]) -> dict[str, set[str]]:
    """What the modules in `folder` import of the project, but for `may_know` and what lies below it."""
    found = {}
    for path in sorted((PROJECT / folder).rglob("*.py")):
        known = {name for name in imports(path) if name.split(".")[0] in OURS}
        allowed = {name for name in known for module in may_know if f"{name}.".startswith(f"{module}.")}
        if known - allowed:
            found[str(path.relative_to(PROJECT))] = known - allowed
    return found


def test_steps_and_environment_know_the_harness() -> None:
    assert offences("features", may_know={"harness"}) == {}


def test_stand_ins_know_no_harness() -> None:
    assert offences("mocks", may_know={"mocks"}) == {}


def test_stand_ins_know_no_behave() -> None:
    assert [
        path for path in (PROJECT / "mocks").rglob("*.py") if any(n.startswith("behave") for n in imports(path))
    ] == []


def test_harness_knows_of_the_stand_ins_only_how_to_launch_and_to_retry() -> None:
    assert offences("harness", may_know={"harness"} | LAUNCH_AND_RETRY) == {}


def test_launch_and_retry_know_nothing_of_the_stand_ins() -> None:
    known = offences("mocks/common", may_know=set())

    assert not {f"{module.replace('.', '/')}.py" for module in LAUNCH_AND_RETRY} & known.keys()


def test_reports_know_the_event_log_only() -> None:
    assert offences("harness/report", may_know={"harness.report", "harness.runner.events"}) == {}


def test_an_import_across_a_wall_is_noticed() -> None:
    assert "mocks.common.retry.backoff" in offences("harness", may_know=set())["harness/stage.py"]
