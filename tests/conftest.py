"""For all tests: a skipped test is a failure, because nobody reads what a green run left out; and SIGINT is what it is
at a terminal."""

import signal
from typing import Any

import pytest

# A shell starts what it runs in the background with SIGINT ignored, and so would every program of a test be: many of
# them are about Ctrl+C.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
