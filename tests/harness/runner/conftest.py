"""The project that the runner's tests run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.runner.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project in a directory of its own; its runs' folders have a short path, as sockets need it."""
    run_place = Path(tempfile.mkdtemp(prefix="rb-"))
    yield Project(tmp_path, run_place)
    shutil.rmtree(run_place)
