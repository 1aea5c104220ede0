"""How an attempt is judged."""

from __future__ import annotations

import signal

from hypothesis import given
from hypothesis import strategies as st

from harness.runner.verdict import CRASHED, EMPTY, LEAKED, PASSED, SKIPPED, TIMEOUT, WORDS, Verdict, how_ended, judge

LEFT = {"pid": 7, "command": "sleep 9", "ports": []}
verdicts = st.builds(Verdict, st.sampled_from(WORDS), st.text())
statuses = st.integers(0, 255).map(lambda code: code << 8) | st.sampled_from([signal.SIGKILL, signal.SIGSEGV]).map(int)
lefts = st.lists(st.just(LEFT), max_size=2)


@given(st.none() | verdicts, verdicts, statuses, lefts)
def test_what_the_runner_ends_gets_the_verdict_for_which_it_was_ended(
    told: Verdict | None, cut: Verdict, wait_status: int, left: list[dict[str, object]]
) -> None:
    assert judge(told, cut=cut, wait_status=wait_status, where="here", left=left) == cut


@given(statuses, lefts)
def test_who_says_nothing_has_crashed(wait_status: int, left: list[dict[str, object]]) -> None:
    verdict = judge(None, cut=None, wait_status=wait_status, where="in the step: Given x", left=left)

    assert verdict == Verdict(CRASHED, f"{how_ended(wait_status)}, in the step: Given x")


@given(verdicts)
def test_who_leaves_nothing_is_taken_at_its_word(told: Verdict) -> None:
    assert judge(told, cut=None, wait_status=0, where="", left=[]) == told


@given(verdicts, statuses.filter(bool))
def test_who_ends_badly_is_not_believed(told: Verdict, wait_status: int) -> None:
    assert judge(told, cut=None, wait_status=wait_status, where="", left=[]).word == CRASHED


@given(verdicts)
def test_whose_end_nobody_knows_is_not_believed(told: Verdict) -> None:
    assert judge(told, cut=None, wait_status=None, where="", left=[]).word == CRASHED


@given(verdicts)
def test_leaving_something_spoils_what_is_not_red_by_itself(told: Verdict) -> None:
    verdict = judge(told, cut=None, wait_status=0, where="", left=[LEFT])

    assert verdict.word == (LEAKED if told.word in (PASSED, SKIPPED, EMPTY) else told.word)


@given(verdicts)
def test_only_a_pass_is_green(verdict: Verdict) -> None:
    assert verdict.red == (verdict.word != "passed")


def test_leak_names_processes_and_ports() -> None:
    told, left = Verdict(PASSED), [LEFT, {"pid": 8, "command": "queen", "ports": ["127.0.0.1:80"]}]

    verdict = judge(told, cut=None, wait_status=0, where="", left=left)

    assert verdict.reason == "left behind: sleep 9 (pid 7); queen (pid 8, listening on 127.0.0.1:80)"


def test_how_a_process_ended() -> None:
    assert how_ended(3 << 8) == "exited with code 3"
    assert how_ended(int(signal.SIGKILL)) == "killed by SIGKILL"
    assert how_ended(signal.SIGRTMIN + 3) == f"killed by signal {signal.SIGRTMIN + 3}"


def test_message_for_reports() -> None:
    assert Verdict(TIMEOUT, "no end").message == "TIMEOUT: no end"
