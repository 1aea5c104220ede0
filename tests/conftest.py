"""For all tests: a skipped test is a failure, because nobody reads what a green run left out; SIGINT is what it is at a
terminal; and words and their layout are the same whatever terminal and language the user has."""

import os
import shutil
import signal
from typing import Any

import hypothesis
import pytest

from harness import isolation

# A shell starts what it runs in the background with SIGINT ignored, nohup with SIGHUP, and so would every program of a
# test be: many of them are about Ctrl+C and closed terminals.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

OF_THE_USER = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHON_COLORS")
for name in OF_THE_USER:
    os.environ.pop(name, None)
os.environ |= {"TERM": "xterm", "LANG": "C.UTF-8"}

# How long an example takes says how busy the machine is; what hangs is ended by the limit of its test.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto`: one more than there are processors, for many a test waits. As many as scenarios run at a time."""
    return (os.cpu_count() or 1) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make the run red when a test, or a whole module, skipped itself."""
    if skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what was skipped."""
    for report in skipped(terminalreporter.config):
        terminalreporter.write_line(f"SKIPPED, which counts as failed: {report.nodeid}", red=True)


def skipped(config: pytest.Config) -> list[Any]:
    """The reports of what skipped itself."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    return list(reporter.stats.get("skipped", []))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot do: namespaces, or a tool that it lacks; scripts/test says so."""
    lacking = [marker for marker, why in isolation.lacking().items() if why]
    lacking += [] if shutil.which("curl") and shutil.which("sqlite3") else ["tools"]
    needing = [item for item in items if any(item.get_closest_marker(marker) for marker in lacking)]
    if needing:
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]
