"""What the tests of the keeper share: a scripted queen, and the keeper of a user with an empty home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mocks.keeper.scripted import Keeper, Queen, serving


@pytest.fixture
def queen() -> Iterator[Queen]:
    with serving() as queen:
        yield queen


@pytest.fixture
def keeper(tmp_path: Path, queen: Queen) -> Keeper:
    return Keeper(tmp_path, queen)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the user whom this very process stands for."""
    for name in ("RBEE_CONFIG", "RBEE_ROOT", "NO_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path
