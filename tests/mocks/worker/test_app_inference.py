"""The worker's inferences, in one process with a test: streams, refusals, the slot, and what the hive hears."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.mocks.worker.hive_fake import HiveFake
from tests.mocks.worker.streams import events, pieces, read_until

ASKED = {"job_id": "job-1", "prompt": "write a short story", "max_tokens": 3}


def test_a_worker_that_loads_takes_no_inference(loading: FlaskClient) -> None:
    response = loading.post("/v1/inference", json=ASKED)

    assert response.status_code == 503
    assert response.json == {
        "error": {
            "code": "WORKER_NOT_READY",
            "message": "Worker is loading",
            "details": {"worker_id": "worker-abc123", "state": "loading", "progress": 0},
        }
    }


def test_an_inference_is_streamed_to_its_end(idle: FlaskClient) -> None:
    told = events(idle.post("/v1/inference", json=ASKED))

    assert told[0] | {"correlation_id": ""} == {
        "type": "narration",
        "actor": "http-server",
        "action": "execute_request",
        "target": "job-1",
        "human": "Inference request validated for job job-1",
        "cute": "Job job-1 looks good, let's go! ✅",
        "correlation_id": "",
        "job_id": "job-1",
    }
    assert [event["t"] for event in told if event and event["type"] == "token"] == ["write", " a", " short"]
    assert told[-2]["type"] == "end"
    assert told[-1] is None


def test_each_event_is_a_piece_of_its_own(idle: FlaskClient) -> None:
    with idle.post("/v1/inference", json=ASKED) as response:
        told = list(pieces(response))

    assert all(piece.startswith("data: ") and piece.count("\n\n") == 1 for piece in told)


def test_the_hive_hears_of_busy_and_idle_in_order(idle: FlaskClient, hive: HiveFake) -> None:
    events(idle.post("/v1/inference", json=ASKED))

    assert hive.states(2) == [("busy", 0), ("idle", 1)]
    assert hive.heard_nothing_more()


def test_who_saw_the_end_of_an_inference_finds_the_worker_idle(idle: FlaskClient, hive: HiveFake) -> None:
    with idle.post("/v1/inference", json=ASKED) as response:
        read_until(pieces(response), "[DONE]")

        assert idle.get("/v1/ready").json == {"ready": True, "state": "idle", "model_loaded": True}

    assert hive.states(2)[-1] == ("idle", 1)


def test_a_second_inference_meets_a_busy_slot(idle: FlaskClient) -> None:
    with idle.post("/v1/inference", json=ASKED):
        response = idle.post("/v1/inference", json={**ASKED, "job_id": "job-2"})
        state = idle.get("/v1/ready").json

    slots = {"slots_total": 1, "slots_busy": 1}
    message = "Worker is busy, try again later"
    assert response.status_code == 503
    assert response.json == {"error": {"code": "ALL_SLOTS_BUSY", "message": message, **slots, "details": slots}}
    assert state == {"ready": True, "state": "busy", "model_loaded": True}


def test_an_asker_that_leaves_frees_the_slot(idle: FlaskClient, hive: HiveFake) -> None:
    response = idle.post("/v1/inference", json=ASKED)
    next(pieces(response))

    response.close()

    assert hive.states(2) == [("busy", 0), ("idle", 1)]


def test_an_asker_that_leaves_before_the_first_event_frees_the_slot(idle: FlaskClient, hive: HiveFake) -> None:
    with idle.application.test_request_context("/v1/inference", method="POST", json=ASKED):
        response = idle.application.full_dispatch_request()

    response.close()

    assert hive.states(2) == [("busy", 0), ("idle", 1)]


def test_a_canceled_inference_ends_and_its_slot_is_free_at_once(idle: FlaskClient, hive: HiveFake) -> None:
    with idle.post("/v1/inference", json={**ASKED, "max_tokens": 2048}) as response:
        stream = pieces(response)
        read_until(stream, '"type":"token"')

        answer = idle.delete("/v1/inference/job-1")

        assert hive.states(2) == [("busy", 0), ("idle", 1)]
        rest = "".join(stream)
    assert (answer.status_code, answer.data) == (204, b"")
    assert '"type":"token"' not in rest
    assert '"stop_reason":"CANCELLED"' in rest


@pytest.mark.parametrize("job_id", ["job-1", "no such job"])
def test_there_is_no_harm_in_canceling_what_does_not_run(idle: FlaskClient, job_id: str) -> None:
    events(idle.post("/v1/inference", json=ASKED))

    assert idle.delete(f"/v1/inference/{job_id}").status_code == 204


def test_canceling_one_job_leaves_another_alone(idle: FlaskClient) -> None:
    response = idle.post("/v1/inference", json=ASKED)

    idle.delete("/v1/inference/job-2")

    assert events(response)[-2]["stop_reason"] == "MAX_TOKENS"


def test_a_bad_request_is_refused_before_the_slot_is_looked_at(loading: FlaskClient) -> None:
    response = loading.post("/v1/inference", json={**ASKED, "max_tokens": 0})

    assert response.status_code == 400
    assert response.json is not None
    assert [violation["field"] for violation in response.json["errors"]] == ["max_tokens"]
