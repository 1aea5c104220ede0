"""Exchanges from what the world told."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evidence import exchanges

ASKED: dict[str, Any] = {
    "event": "asked",
    "at_us": 5,
    "exchange": 1,
    "asker": "blep",
    "host": "workstation.home.arpa",
    "port": 8001,
    "node": "workstation",
    "method": "POST",
    "path": "/v1/inference",
    "headers": {"host": "workstation.home.arpa:8001"},
    "body": '{"prompt": "hi"}',
}
ANSWERED = {"event": "answered", "at_us": 6, "exchange": 1, "status": 200, "headers": {}}


def _passed(at_us: int, data: str) -> dict[str, Any]:
    return {"event": "passed", "at_us": at_us, "exchange": 1, "data": data}


def test_an_exchange_is_open_until_its_end_is_told() -> None:
    (exchange,) = exchanges.fold([ASKED, ANSWERED])

    assert (exchange.status, exchange.how, exchange.ended_at_us) == (200, None, None)


def test_a_request_is_read_as_json() -> None:
    (exchange,) = exchanges.fold([ASKED])

    assert exchange.sent == {"prompt": "hi"}


def test_an_answer_that_is_no_json_is_none() -> None:
    ended = {"event": "ended", "at_us": 9, "exchange": 1, "how": "complete", "body": "not {json", "size": 9}

    (exchange,) = exchanges.fold([ASKED, ANSWERED, ended])

    assert (exchange.how, exchange.answer, exchange.answer_body) == ("complete", None, "not {json")


def test_stream_events_keep_their_order_and_times() -> None:
    (exchange,) = exchanges.fold([ASKED, ANSWERED, _passed(7, '{"t": "a"}'), _passed(8, "[DONE]")])

    assert exchange.events == [(7, '{"t": "a"}'), (8, "[DONE]")]
    assert exchange.payloads == [{"t": "a"}]


def test_a_stream_without_its_end_mark_has_none() -> None:
    (whole,) = exchanges.fold([ASKED, ANSWERED, _passed(7, "[DONE]")])
    (cut,) = exchanges.fold([ASKED, ANSWERED, _passed(7, '{"t": "a"}')])

    assert (whole.end_mark, cut.end_mark) == (True, False)


def test_whom_it_was_for_is_told_by_the_port() -> None:
    roles = {port: exchanges.fold([{**ASKED, "port": port}])[0].role for port in (8080, 9200, 8001, 80, 22)}

    assert roles == {8080: "queen", 9200: "hive", 8001: "worker", 80: "hub", 22: None}


@pytest.mark.parametrize(("node", "role"), [("blep", "queen"), ("workstation", "hive"), (None, "queen")])
def test_at_the_queens_port_of_a_node_without_a_queen_a_hive_is_asked(node: str | None, role: str) -> None:
    queen = {"event": "started", "program": "queen-rbee", "node": "blep", "pid": 1, "argv": []}

    [asked] = exchanges.fold([queen, {**ASKED, "port": 8080, "node": node}])

    assert asked.role == role


@pytest.mark.parametrize(("parent", "role"), [(1, "hive"), (7, "queen")])
def test_a_queen_that_was_forked_for_another_program_is_on_its_node(parent: int, role: str) -> None:
    keeper = {"event": "started", "program": "rbee-keeper", "node": "blep", "pid": 1, "argv": []}
    queen = {"event": "forked", "program": "queen-rbee", "pid": 2, "parent": parent}

    [asked] = exchanges.fold([keeper, queen, {**ASKED, "port": 8080, "node": "workstation"}])

    assert asked.role == role


def test_exchanges_come_in_the_order_in_which_they_were_asked() -> None:
    found = exchanges.fold([{**ASKED, "exchange": 2}, {**ASKED, "exchange": 1}])

    assert [exchange.number for exchange in found] == [2, 1]


def test_the_end_of_an_exchange_of_an_earlier_scenario_is_passed_over() -> None:
    ended = {"event": "ended", "at_us": 9, "exchange": 1, "how": "left", "body": None, "size": 0}

    assert exchanges.fold([ended]) == []
