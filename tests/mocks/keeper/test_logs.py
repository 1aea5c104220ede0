"""The log of a node, from the user's side."""

from __future__ import annotations

import os
import signal
import threading

from tests.mocks.keeper.scripted import LIMIT_S, Keeper, Queen, Stream


def test_a_log_is_printed_as_it_is(keeper: Keeper, queen: Queen) -> None:
    queen.will("GET /v2/logs", Stream([b"one\n", "zwölf\n".encode()], content_type="text/plain"))

    code, out, err = keeper.run("logs", "--node", "workstation")

    assert (code, out, err) == (0, "=== Logs from workstation ===\n\none\nzwölf\n", "")
    assert queen.asked[0].url == "http://localhost:8080/v2/logs?node=workstation"


def test_a_log_is_followed_until_ctrl_c(keeper: Keeper, queen: Queen) -> None:
    ended = threading.Event()

    def wait() -> None:
        assert ended.wait(LIMIT_S)

    queen.will("GET /v2/logs", Stream([b"one\n", wait], content_type="text/plain"))
    with keeper.start("logs", "--node", "workstation", "--follow") as process:
        assert process.stdout is not None
        shown = ""
        while not shown.endswith("one\n"):
            shown += os.read(process.stdout.fileno(), 100).decode()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    ended.set()

    assert (process.returncode, err) == (130, "")
    assert queen.asked[0].url == "http://localhost:8080/v2/logs?node=workstation&follow=true"


def test_a_log_that_breaks_off_is_an_error(keeper: Keeper, queen: Queen) -> None:
    queen.will("GET /v2/logs", Stream([b"one\n"], whole=False, content_type="text/plain"))

    code, out, err = keeper.run("logs", "--node", "workstation")

    assert (code, out) == (1, "=== Logs from workstation ===\n\none\n")
    assert err == "Error: error decoding response body\n\nCaused by:\n    error reading a body from connection\n"


def test_a_log_that_cannot_be_had_is_an_error(keeper: Keeper, queen: Queen) -> None:
    queen.will("GET /v2/logs", (503, {"error": {"code": "CONNECTION_TIMEOUT", "message": "Cannot connect to h:9200"}}))

    code, _, err = keeper.run("logs", "--node", "workstation")

    assert (code, err) == (1, "Error: Cannot connect to h:9200\n")
