"""Inferences that end before their time."""

from __future__ import annotations

import pytest

from harness import fixtures
from harness.checks import broken_off
from harness.evidence import Evidence
from tests.harness import told

TOKENS = [{"type": "token", "t": text, "i": index} for index, text in enumerate(["write", " a"])]


def inference() -> list[told.Event]:
    sent = {"prompt": fixtures.PROMPT, "job_id": "job-1"}
    return told.exchange("worker", "POST /v1/inference", sent=sent, stream=tuple(TOKENS))


def broken(*, how: str = "broken", end_mark: bool = False) -> Evidence:
    events = [event for event in inference() if end_mark or event.get("data") != "[DONE]"]
    return told.evidence(*events[:-1], {**events[-1], "how": how}, *told.keeper())


def test_stream_that_broke_off_is_accepted() -> None:
    broken_off.expect_broken_off(broken(), 2)


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [(broken(how="complete"), "how its stream ended"), (broken(end_mark=True), "the stream has its end mark")],
)
def test_stream_that_ended_otherwise_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        broken_off.expect_broken_off(evidence, 2)


def test_text_that_is_not_on_stdout_is_missed() -> None:
    evidence = told.evidence(*inference(), *told.keeper((0, "write")))

    with pytest.raises(AssertionError, match="stdout: wanted 'write a', seen 'write'"):
        broken_off.expect_partial_result(evidence, 2)


def test_file_that_nobody_names_is_missed() -> None:
    evidence = told.evidence(*inference(), *told.keeper((0, "write a")))

    with pytest.raises(AssertionError, match="stderr names no file"):
        broken_off.expect_partial_result(evidence, 2)


def canceled(*, took_us: int = 5_000_000, status: int = 204, last_token_us: int = 0) -> Evidence:
    """A task that was canceled, and its inference, whose last token passed at `last_token_us`."""
    task = told.exchange(
        "queen",
        "POST /v2/tasks",
        node="blep",
        sent={"prompt": fixtures.PROMPT},
        stream=({"type": "accepted", "task_id": "task-1"},),
    )
    by_user = told.exchange("queen", "DELETE /v2/tasks/task-1", node="blep", status=204, took_us=took_us)
    by_queen = told.exchange("worker", "DELETE /v1/inference/job-1", status=status, took_us=took_us)
    *stream, end_mark, ended = inference()
    stream[-1] = {**stream[-1], "at_us": last_token_us}
    return told.evidence(*task, *stream, end_mark, ended, *by_user, *by_queen, *told.keeper())


def test_cancel_that_takes_five_seconds_is_accepted() -> None:
    broken_off.expect_canceled(canceled())


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (canceled(took_us=5_000_001), r"was answered after 5\.000001 s"),
        (canceled(status=500), "the answer to .*DELETE .*/v1/inference/job-1"),
        (canceled(last_token_us=5_000_001), "there should be no token after the request was canceled"),
    ],
)
def test_cancel_that_does_not_work_is_told(evidence: Evidence, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        broken_off.expect_canceled(evidence)


def test_cancel_that_the_worker_never_heard_of_is_told() -> None:
    evidence = told.evidence(*told.task(), *inference(), *told.keeper())

    with pytest.raises(AssertionError, match="DELETE"):
        broken_off.expect_canceled(evidence)
