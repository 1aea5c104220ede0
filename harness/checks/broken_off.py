"""What Then steps want to see of an inference that ends before its time: by the worker's death, or by the user's will.
Every function raises AssertionError with what was seen."""

from __future__ import annotations

import re

from harness import expect
from harness.checks import flow, shown
from harness.checks import inference as inference_seen
from harness.evidence import Evidence, made_up

CANCEL_LIMIT_US = 5_000_000  # docs/contract.md, section 4.2
PARTIAL = re.compile(r"^Partial result saved to: (.+)$", re.MULTILINE)


def expect_broken_off(evidence: Evidence, count: int) -> None:
    """After `count` tokens the worker broke its stream off, without an end record, and without the end mark."""
    answer = inference_seen.requests(evidence)[-1]
    expect.equal("how many tokens the worker sent", len(inference_seen.tokens(answer)), count)
    expect.equal("how its stream ended", answer.how, "broken")
    ends = [payload for payload in answer.payloads if payload.get("type") == "end"]
    evidence.none("end record", ends, made_up.passed(answer.number, {"type": "end"}))
    assert not answer.end_mark, f"the stream has its end mark: {answer.events[-2:]}"


def expect_partial_result(evidence: Evidence, count: int) -> None:
    """The text of the `count` tokens that the worker sent is on stdout, and in the file that stderr names."""
    sent = [token["t"] for _, token in inference_seen.tokens(inference_seen.requests(evidence)[-1])]
    expect.equal("how many tokens the worker sent", len(sent), count)
    shown.expect_tokens(evidence, sent)
    named = PARTIAL.search(evidence.run().printed("stderr"))
    assert named, f"stderr names no file with a partial result: {evidence.printed('stderr')!r}"
    file = evidence.file("blep", named[1])
    expect.equal(f"the content of {file.name}", file.read_text(encoding="utf-8"), "".join(sent))


def expect_canceled(evidence: Evidence) -> None:
    """The user's program canceled its task, the worker was told to give up the request, and within 5 s of that both
    were answered. No token left the worker after its answer."""
    task, inference = flow.task(evidence), inference_seen.requests(evidence)[-1]
    canceled = evidence.exchange(asker="blep", method="DELETE", path=f"/v2/tasks/{task.payloads[0].get('task_id')}")
    deleted = evidence.exchange(role="worker", method="DELETE", path=f"/v1/inference/{inference.said['job_id']}")
    for asked in (deleted, canceled):
        expect.equal(f"the answer to {asked}", asked.status, 204)
        assert asked.ended_at_us is not None
        waited_us = asked.ended_at_us - canceled.asked_at_us
        assert waited_us <= CANCEL_LIMIT_US, f"{asked} was answered after {waited_us / 1e6:.6f} s"
    sent_at_us = [at_us for at_us, _ in inference_seen.tokens(inference)]
    assert sent_at_us, "no token left the worker before"
    assert deleted.ended_at_us is not None
    later = [at_us for at_us in sent_at_us if at_us > deleted.ended_at_us]
    token = made_up.passed(inference.number, {"type": "token", "t": "late", "i": len(sent_at_us)})
    evidence.none("token after the request was canceled", later, token)
