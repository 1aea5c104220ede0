"""An inference, as its user sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import Any

import pytest

from tests.mocks.keeper.scripted import DONE, LIMIT_S, Keeper, Queen, Stream, Text

TASK_ID = "8c87481b-b88d-40a5-959e-6469020f95c6"
ACCEPTED = {"type": "accepted", "task_id": TASK_ID}
END = {"type": "end", "tokens_out": 3, "decode_time_ms": 300, "stop_reason": "MAX_TOKENS"}
INFER = ("infer", "--node", "workstation", "--model", "hf:m", "--prompt", "write")


def token(text: str, i: int = 0) -> dict[str, Any]:
    return {"type": "token", "t": text, "i": i}


def narration(human: str) -> dict[str, Any]:
    return {"type": "narration", "actor": "queen-rbee", "human": human}


def failed(code: str, **details: Any) -> dict[str, Any]:
    return {"type": "error", "code": code, "message": "it failed", "details": details}


def begun(process: subprocess.Popen[str]) -> str:
    """The first of the tokens, once it came."""
    assert process.stdout is not None
    return os.read(process.stdout.fileno(), 100).decode()


def test_tokens_alone_are_on_stdout(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([ACCEPTED, narration("hello"), token("a"), token(" ü"), END, DONE]))

    code, out, err = keeper.run(*INFER)

    assert (code, out) == (0, "a ü")
    assert err == (
        "=== Inference via queen-rbee Orchestration ===\n"
        "Node: workstation\nModel: hf:m\nPrompt: write\n\n"
        "[queen-rbee] Submitting inference task...\n[queen-rbee] hello\nTokens:\n\n"
    )


def test_the_order_says_what_the_user_said(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([DONE]))

    keeper.run(*INFER, "--max-tokens", "5", "--temperature", "0.3", "--backend", "cuda", "--device", "1")

    assert queen.asked[0].body == {
        "backend": "cuda",
        "device": 1,
        "max_tokens": 5,
        "model": "hf:m",
        "node": "workstation",
        "prompt": "write",
        "temperature": 0.3,
    }


def test_what_was_left_out_is_not_in_the_order(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([DONE]))

    keeper.run(*INFER)

    assert queen.asked[0].body.keys() == {"max_tokens", "model", "node", "prompt", "temperature"}


def test_version_and_api_key_go_with_the_order(keeper: Keeper, queen: Queen) -> None:
    (keeper.home / ".rbee").mkdir()
    (keeper.home / ".rbee/config.yaml").write_text("api_key: secret")
    queen.will("POST /v2/tasks", Stream([DONE]))

    keeper.run(*INFER, RBEE_VERSION="0.3.0")

    headers = queen.asked[0].headers
    assert (headers["X-Rbee-Version"], headers["Authorization"]) == ("0.3.0", "Bearer secret")


def test_a_token_is_shown_before_the_next_one_exists(keeper: Keeper, queen: Queen) -> None:
    shown = threading.Event()

    def wait() -> None:
        assert shown.wait(LIMIT_S)

    queen.will("POST /v2/tasks", Stream([ACCEPTED, token("a"), wait, token("b"), DONE]))
    with keeper.start(*INFER) as process:
        first = begun(process)
        shown.set()
        rest, _ = process.communicate(timeout=LIMIT_S)

    assert (first, rest, process.returncode) == ("a", "b", 0)


def test_streams_of_another_queen_are_read_too(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([{"t": "Once"}, b"data: nonsense\n\n", b"data: [1]\n\n", {"t": " upon"}, DONE]))

    code, out, _ = keeper.run(*INFER)

    assert (code, out) == (0, "Once upon")


def test_progress_is_a_line_for_every_five_percent(keeper: Keeper, queen: Queen) -> None:
    progress = {"type": "progress", "stage": "downloading", "bytes_total": 100 * 2**20, "speed_mbps": 45.2}
    steps = [{**progress, "bytes_downloaded": percent * 2**20} for percent in (1, 3, 6, 10, 11)]
    queen.will("POST /v2/tasks", Stream([ACCEPTED, *steps, {"type": "progress", "stage": "ready"}, DONE]))

    _, _, err = keeper.run(*INFER)

    assert [line.partition("] ")[2] for line in err.splitlines() if line.startswith("Downloading")] == [
        "1% (1.0 MB / 100.0 MB) @ 45.2 MB/s",
        "6% (6.0 MB / 100.0 MB) @ 45.2 MB/s",
        "11% (11.0 MB / 100.0 MB) @ 45.2 MB/s",
    ]
    assert err.endswith("\nModel ready!\n")


def test_a_retried_download_shows_why_and_its_bar_again(keeper: Keeper, queen: Queen) -> None:
    at_40 = {"type": "progress", "stage": "downloading", "bytes_downloaded": 2 * 2**20, "bytes_total": 5 * 2**20}
    retry = {"type": "progress", "stage": "retrying", "error": "Connection reset by peer", "attempt": 2, "attempts": 6}
    queen.will("POST /v2/tasks", Stream([ACCEPTED, at_40, {**retry, "delay_ms": 100}, at_40, DONE]))

    _, _, err = keeper.run(*INFER)

    bar = "Downloading model... [████████------------] 40% (2.0 MB / 5.0 MB)"
    assert err.splitlines()[-4:] == [
        bar,
        "Error: Connection reset by peer",
        "Retrying download (attempt 2/6)... delay 100ms",
        bar,
    ]


def test_an_error_event_is_told_in_its_words(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([ACCEPTED, failed("VRAM_EXHAUSTED", required=6000, available=4000), DONE]))

    code, out, err = keeper.run(*INFER)

    assert (code, out) == (1, "")
    assert "\nError: Insufficient VRAM on workstation\n  Required: 6000 MB\n  Available: 4000 MB\n" in err


def test_an_error_event_without_a_code_is_an_error_too(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([{"type": "error"}, DONE]))

    code, _, err = keeper.run(*INFER)

    assert (code, err.splitlines()[-1].startswith("Error: ")) == (1, True)


def test_a_status_with_an_envelope_is_told_in_its_words(keeper: Keeper, queen: Queen) -> None:
    error = {"code": "NODE_NOT_FOUND", "message": "m", "details": {"node": "workstation"}}
    queen.will("POST /v2/tasks", (404, {"error": error}))

    code, _, err = keeper.run(*INFER)

    assert code == 1
    assert err.endswith(
        "[queen-rbee] ❌ ERROR: Node 'workstation' not found in rbee-hive registry\n\n"
        "To add this node, run:\n  rbee-keeper setup add-node --name workstation --ssh-host <host> ...\n"
    )


def test_another_status_is_told_as_it_is(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Text(404, "Node 'workstation' not registered"))

    code, _, err = keeper.run(*INFER)

    assert code == 1
    assert err.endswith("\nError: Inference request failed: HTTP 404 Not Found - Node 'workstation' not registered\n")


def test_a_stream_without_its_end_mark_keeps_what_came(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([ACCEPTED, token("a"), token(" b")], whole=False))

    code, out, err = keeper.run(*INFER)

    saved = keeper.home / "rbee-partial-8c87481b.txt"
    assert (code, out, saved.read_text()) == (1, "a b", "a b")
    assert err.endswith(
        f"\nError: SSE stream closed unexpectedly\n\nPartial result saved to: {saved}\nTokens generated: 2 / 20\n"
    )


@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_without_anything_is_an_error(keeper: Keeper, queen: Queen, whole: bool) -> None:
    queen.will("POST /v2/tasks", Stream([], whole=whole))

    code, out, err = keeper.run(*INFER)

    assert (code, out, err.splitlines()[-1]) == (1, "", "Error: SSE stream closed unexpectedly")


def test_a_crashed_worker_leaves_the_partial_result(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([ACCEPTED, token("a"), failed("WORKER_CRASHED"), DONE]))

    code, _, err = keeper.run(*INFER)

    assert code == 1
    assert "Tokens generated: 1 / 20\n" in err
    assert (keeper.home / "rbee-partial-8c87481b.txt").read_text() == "a"


def test_an_id_cannot_lead_the_partial_result_elsewhere(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", Stream([{"type": "accepted", "task_id": "../../etc"}, token("a")]))

    keeper.run(*INFER)

    assert (keeper.home / "rbee-partial-etc.txt").read_text() == "a"


def test_a_partial_result_that_cannot_be_saved_is_said(keeper: Keeper, queen: Queen) -> None:
    (keeper.home / "rbee-partial-8c87481b.txt").write_text("somebody else's")
    queen.will("POST /v2/tasks", Stream([ACCEPTED, token("a")]))

    code, _, err = keeper.run(*INFER)

    assert code == 1
    assert "rbee-partial-8c87481b.txt: File exists (os error 17)\n" in err
    assert (keeper.home / "rbee-partial-8c87481b.txt").read_text() == "somebody else's"


def test_an_error_status_is_not_retried(keeper: Keeper, queen: Queen) -> None:
    queen.will("POST /v2/tasks", (503, {}), Stream([DONE]))

    code, _, _ = keeper.run(*INFER)

    assert (code, len(queen.asked)) == (1, 1)


def test_ctrl_c_cancels_the_task_while_its_stream_is_open(keeper: Keeper, queen: Queen) -> None:
    canceled = threading.Event()
    queen.will(f"DELETE /v2/tasks/{TASK_ID}", Stream([canceled.set]))
    open_then: list[bool] = []
    stream = Stream([ACCEPTED, token("a"), lambda: open_then.append(canceled.wait(LIMIT_S))], whole=False)
    queen.will("POST /v2/tasks", stream)
    with keeper.start(*INFER) as process:
        begun(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)

    assert (process.returncode, open_then) == (130, [True])
    assert err.endswith("\nCanceled.\n")


def test_ctrl_c_counts_though_the_queen_does_not_answer(keeper: Keeper, queen: Queen) -> None:
    queen.will(f"DELETE /v2/tasks/{TASK_ID}", None)
    ended = threading.Event()

    def wait() -> None:
        assert ended.wait(LIMIT_S)

    queen.will("POST /v2/tasks", Stream([ACCEPTED, token("a"), wait]))
    with keeper.start(*INFER) as process:
        begun(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    ended.set()

    assert (process.returncode, err.splitlines()[-1]) == (130, "Canceled.")


def test_a_reader_of_the_tokens_that_went_away_is_an_error(keeper: Keeper, queen: Queen) -> None:
    gone = threading.Event()

    def wait() -> None:
        assert gone.wait(LIMIT_S)

    queen.will("POST /v2/tasks", Stream([ACCEPTED, token("a"), wait, token("b"), DONE]))
    with keeper.start(*INFER) as process:
        begun(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        gone.set()
        err = process.stderr.read()

    assert (process.returncode, err.splitlines()[-1]) == (1, "Error: Broken pipe (os error 32)")
