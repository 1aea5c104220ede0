"""What a worker tells its hive, and what becomes of it when the hive does not take it."""

from __future__ import annotations

import pytest

from mocks.common.errors import RbeeError
from mocks.worker.hive import Hive
from tests.mocks.worker.hive_fake import HiveFake


def test_the_callback_carries_the_id_and_the_facts(hive: HiveFake) -> None:
    Hive(hive.callback_url, "worker-abc123", None).tell_listening(url="http://workstation:8001", device=1)

    report = hive.next()

    assert report.path == "/v1/workers/ready"
    assert report.body == {"worker_id": "worker-abc123", "url": "http://workstation:8001", "device": 1}
    assert report.authorization is None


def test_the_state_goes_to_the_route_beside_the_callback(hive: HiveFake) -> None:
    Hive(hive.callback_url, "worker-abc123", None).tell_state("idle", 1)

    report = hive.next()

    assert report.path == "/v1/workers/state"
    assert report.body == {"worker_id": "worker-abc123", "state": "idle", "slots_available": 1}


def test_a_worker_shows_the_key_that_it_was_given(hive: HiveFake) -> None:
    worker = Hive(hive.callback_url, "worker-abc123", "key-1")

    worker.tell_listening()
    worker.tell_state("idle", 1)

    assert [hive.next().authorization, hive.next().authorization] == ["Bearer key-1", "Bearer key-1"]


def test_a_callback_that_is_not_taken_is_an_error(hive: HiveFake) -> None:
    hive.status = 422

    with pytest.raises(RbeeError) as refused:
        Hive(hive.callback_url, "worker-abc123", None).tell_listening()

    assert refused.value.message == "Pool manager callback failed: 422 Unprocessable Entity"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1/workers/ready", "nowhere"])
def test_a_callback_that_reaches_nobody_is_an_error(url: str) -> None:
    with pytest.raises(RbeeError) as refused:
        Hive(url, "worker-abc123", None).tell_listening()

    assert refused.value.message.startswith(f"error sending request for url ({url}): ")


def test_a_state_that_is_not_taken_is_logged(hive: HiveFake, capfd: pytest.CaptureFixture[str]) -> None:
    hive.status = 404

    Hive(hive.callback_url, "worker-abc123", None).tell_state("busy", 0)

    assert "WARN llm-worker-rbee[worker-abc123]: state busy not reported: " in capfd.readouterr().out


def test_a_callback_url_that_stands_for_nobody_is_not_asked(capfd: pytest.CaptureFixture[str]) -> None:
    nobody = Hive("http://localhost:9999/callback", "worker-abc123", None)

    nobody.tell_listening()
    nobody.tell_state("idle", 1)

    assert capfd.readouterr().out == ""
