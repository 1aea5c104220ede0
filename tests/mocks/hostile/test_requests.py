"""Generated requests against every route of queen, hive and worker.

HOSTILE_REQUESTS, HOSTILE_SEED and HOSTILE_LIMIT_S in the environment say how many, which, and for how long at most;
`scripts/hostile` sets them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.mocks.hive.hub_fake import Hub
from tests.mocks.hostile import daemons
from tests.mocks.hostile.daemons import Daemon
from tests.mocks.hostile.wire import Answer, ask, requests_to

REQUESTS = int(os.environ.get("HOSTILE_REQUESTS", "500"))
LIMIT_S = float(os.environ.get("HOSTILE_LIMIT_S", "45"))
SEED = int(os.environ.get("HOSTILE_SEED", "1"))
MEMORY_BYTES = 48 * 2**20
"""How much more a daemon may hold afterwards: its libraries load what they need with the first requests."""


@pytest.fixture(scope="module", params=["queen", "hive", "worker"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp(request.param)
    with Hub() as hub:
        made: Daemon = {
            "queen": lambda: daemons.queen(directory),
            "hive": lambda: daemons.hive(directory, hub.url),
            "worker": lambda: daemons.worker(directory),
        }[request.param]()
        try:
            yield made
        finally:
            made.end()
    shutil.rmtree(directory)


def is_documented(answer: Answer) -> bool:
    """Whether docs/contract.md has this answer: of those from 500 on it has few."""
    told = answer.document if isinstance(answer.document, dict) else {}
    if answer.status == 500:
        return told.get("success") is False and "Failed to shutdown worker" in told["message"]
    error = told.get("error", {})
    codes = ("ALL_SLOTS_BUSY", "CONNECTION_TIMEOUT", "DOWNLOAD_FAILED")
    return error.get("code") in codes or answer.status in (501, 505) or answer.text == "Model not loading"


def test_requests_are_answered_and_refusals_change_nothing(daemon: Daemon) -> None:
    until_s = time.monotonic() + LIMIT_S
    before = daemon.load()
    states = [daemon.state()]

    @seed(SEED)
    @settings(max_examples=max(1, REQUESTS // 3), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        if time.monotonic() > until_s:
            return
        sent = data.draw(requests_to(daemon.routes))

        answer = ask(daemon.address, sent)

        assert answer.status < 500 or is_documented(answer), answer
        assert daemon.errors.read_text() == ""
        states.append(daemon.state())
        if answer.status >= 400:
            assert states[-1] <= states[-2]

    check()
    print(f"{len(states) - 1} requests")
    after = daemon.load_back_at(before)
    assert (after.threads, after.descriptors) <= (before.threads, before.descriptors)
    assert after.memory_bytes - before.memory_bytes < MEMORY_BYTES
    assert daemon.end() == 0
