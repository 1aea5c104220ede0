"""The API key of a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.common import api_key


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".rbee" / "config.yaml"
    path.parent.mkdir()
    return path


def test_no_file_is_no_key(config: Path) -> None:
    assert api_key.read() is None


@pytest.mark.parametrize(("text", "key"), [("api_key: s3cret", "s3cret"), ("api_key: 42", "42"), ("other: 1", None)])
def test_the_key(config: Path, text: str, key: str | None) -> None:
    config.write_text(text)

    assert api_key.read() == key


@pytest.mark.parametrize(
    "text",
    [
        *("[", "since: 2024-13-45", "[" * 3000, "a: \0", "a: !!int ''", "a: !!bool maybe", "? {}\n: 1"),
        *("api_key: schlüssel", 'api_key: "a\\nb"', 'api_key: "\\ud800"', "api_key: [a]", f"api_key: {'9' * 5000}"),
    ],
)
def test_a_file_that_says_no_key_is_an_error_that_names_it(config: Path, text: str) -> None:
    config.write_text(text)

    with pytest.raises(api_key.KeyFileError, match=r"\.rbee/config\.yaml"):
        api_key.read()


def test_a_file_without_an_end_is_an_error(config: Path) -> None:
    config.symlink_to("/dev/zero")

    with pytest.raises(api_key.KeyFileError, match="Not a regular file"):
        api_key.read()
