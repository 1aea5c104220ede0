"""What a daemon writes to its stdout."""

from __future__ import annotations

import os
import re

import pytest

from mocks.common import clock, log


def test_a_log_line_has_the_clocks_time(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_us", lambda: 1_728_508_603_000_250)

    log.info("rbee-hive", "up")

    assert capfd.readouterr().out == "2024-10-09T21:16:43.000250Z  INFO rbee-hive: up\n"


@pytest.mark.parametrize(("write", "level"), [(log.warn, "WARN"), (log.error, "ERROR")])
def test_a_log_line_has_its_level(write: object, level: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert callable(write)

    write("rbee-hive", "oh")

    assert re.fullmatch(rf"\S+Z +{level} rbee-hive: oh\n", capfd.readouterr().out)


def test_narration_is_a_line_with_its_actor(capfd: pytest.CaptureFixture[str]) -> None:
    log.narrate("http-server", "🚀 ready")

    assert capfd.readouterr().out == "[http-server] 🚀 ready\n"


def test_a_reader_that_went_away_does_not_matter(capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        stdout = os.dup(1)
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.close(reading)
        os.close(writing)

        try:
            log.info("rbee-hive", "to nobody")
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)

    log.info("rbee-hive", "to somebody")
    assert "to somebody" in capfd.readouterr().out
