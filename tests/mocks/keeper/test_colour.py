"""When the keeper's output is coloured."""

from __future__ import annotations

import io

import pytest

from mocks.keeper import colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "variables", "text"),
    [
        (io.StringIO(), {}, "n"),
        (Terminal(), {}, "\033[36mn\033[0m"),
        (Terminal(), {"NO_COLOR": "1"}, "n"),
        (Terminal(), {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, "\033[36mn\033[0m"),
        (io.StringIO(), {"CLICOLOR_FORCE": "1"}, "\033[36mn\033[0m"),
        (io.StringIO(), {"CLICOLOR_FORCE": "0"}, "n"),
    ],
)
@pytest.mark.usefixtures("home")
def test_colours(stream: io.StringIO, variables: dict[str, str], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    painted = colour.paint("n", colour.CYAN, stream)

    assert painted == text
