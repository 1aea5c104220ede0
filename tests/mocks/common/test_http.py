"""The names of statuses."""

from __future__ import annotations

import pytest

from mocks.common.http import status_text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (404, "404 Not Found"),
        (413, "413 Payload Too Large"),
        (414, "414 URI Too Long"),
        (416, "416 Range Not Satisfiable"),
        (422, "422 Unprocessable Entity"),
        (499, "499 <unknown status code>"),
    ],
)
def test_a_status_has_rbees_name_on_every_python(code: int, text: str) -> None:
    assert status_text(code) == text
