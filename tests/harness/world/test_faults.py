"""The faults of a stage."""

from __future__ import annotations

from typing import Any

import pytest

from harness.world.faults import Cut, Faults


def test_faults_are_numbered_from_1() -> None:
    faults = Faults()

    numbers = [faults.arrange("swallow", host="a"), faults.arrange("cut", host="b", at=[1])]

    assert numbers == [1, 2]


def test_swallow_without_a_port_hits_the_whole_host() -> None:
    faults = Faults()

    number = faults.arrange("swallow", host="Workstation.home.arpa")

    assert [faults.swallowing("workstation.home.arpa", port) for port in (22, 9200)] == [number, number]
    assert faults.swallowing("blep.home.arpa", 22) is None


def test_swallow_with_a_port_hits_that_port_only() -> None:
    faults = Faults()

    number = faults.arrange("swallow", host="workstation.home.arpa", port=9200)

    assert faults.swallowing("workstation.home.arpa", 9200) == number
    assert faults.swallowing("workstation.home.arpa", 22) is None


def test_cut_uses_its_byte_counts_up_one_by_one() -> None:
    faults = Faults()

    number = faults.arrange("cut", host="hub.home.arpa", port=80, at=[2_097_152, None, 0])

    assert [faults.next_cut("hub.home.arpa", 80) for _ in range(4)] == [
        Cut(number, 2_097_152),
        None,
        Cut(number, 0),
        None,
    ]


def test_cut_leaves_other_ports_alone() -> None:
    faults = Faults()

    number = faults.arrange("cut", host="hub.home.arpa", port=80, at=[7])

    assert faults.next_cut("hub.home.arpa", 81) is None
    assert faults.next_cut("hub.home.arpa", 80) == Cut(number, 7)


def test_a_second_cut_takes_over_when_the_first_is_used_up() -> None:
    faults = Faults()

    first, second = (faults.arrange("cut", host="hub.home.arpa", at=[at]) for at in (1, 2))

    assert [faults.next_cut("hub.home.arpa", 80) for _ in range(2)] == [Cut(first, 1), Cut(second, 2)]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "explode", "host": "a"}, "no fault is called 'explode'; there are swallow, cut"),
        ({"kind": "swallow"}, "the fault swallow needs a host, not None"),
        ({"kind": "swallow", "host": 7}, "the fault swallow needs a host, not 7"),
        ({"kind": "swallow", "host": "a", "at": [1]}, "the fault swallow has no at, only host, port"),
        ({"kind": "swallow", "host": "a", "port": 70000}, "a port is a number from 1 to 65535, not 70000"),
        ({"kind": "swallow", "host": "a", "port": "80"}, "a port is a number from 1 to 65535, not '80'"),
        ({"kind": "cut", "host": "a"}, "a list of byte counts"),
        ({"kind": "cut", "host": "a", "at": []}, "a list of byte counts"),
        ({"kind": "cut", "host": "a", "at": [-1]}, "a list of byte counts"),
        ({"kind": "cut", "host": "a", "at": [True]}, "a list of byte counts"),
        ({"kind": "cut", "host": "a", "at": 5}, "a list of byte counts"),
    ],
)
def test_what_is_no_fault_is_refused(fault: dict[str, Any], message: str) -> None:
    faults = Faults()

    with pytest.raises(ValueError, match=message):
        faults.arrange(**fault)

    assert faults.swallowing("a", 80) is None
